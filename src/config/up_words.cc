#include "config/up_words.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/parse_number.h"
#include "base/printable.h"
#include "config/datagram_words.h"
#include "config/nearest_word.h"
#include "config/ssh_command.h"

namespace isthmus::config {
namespace {

// RFC 8200 section 5: what a link has to carry for IPv6. It is negotiated before either end knows whether
// the other will want IPv6.
constexpr std::uint32_t kMinMtu = 1280;
constexpr std::uint32_t kMaxMtu = 65535;
constexpr std::uint32_t kMaxHoldSeconds = 30U * 24 * 3600;

std::unexpected<Error> wrong(const std::string& why) {
  return fail(Error::Code::kInvalid, why);
}

// A list that may be given again and again, one value a time: without this CLI11 would also take the words
// behind it, and a value in brackets (an IPv6 address) as a list.
void add_list(CLI::App& app, const std::string& names, std::vector<std::string>& values) {
  app.add_option(names, values)->allow_extra_args(false);
}

Result<std::uint32_t> number(const char* flag, const std::string& text, std::uint32_t least,
                             std::uint32_t most) {
  const auto value = parse_number<std::uint32_t>(text);
  if (value && *value >= least && *value <= most) return *value;
  return wrong(fmt::format("{}: '{}' is no number from {} to {}", flag, text, least, most));
}

Result<void> check_printable(const char* flag, const std::string& text) {
  if (!text.empty() && printable(text, text.size()) == text) return {};
  return wrong(fmt::format("{}: printable text is expected", flag));
}

std::vector<std::string> split_at_commas(const std::vector<std::string>& values) {
  std::vector<std::string> parts;
  for (const std::string& value : values) {
    std::size_t start = 0;
    for (std::size_t comma = 0; comma != std::string::npos; start = comma + 1) {
      comma = value.find(',', start);
      parts.push_back(value.substr(start, comma == std::string::npos ? comma : comma - start));
    }
  }
  return parts;
}

Result<std::vector<Prefix>> prefixes(const char* flag, const std::vector<std::string>& values) {
  std::vector<Prefix> list;
  for (const std::string& text : split_at_commas(values)) {
    const Result<Prefix> prefix = Prefix::parse(text);
    if (!prefix) return wrong(fmt::format("{}: {}", flag, prefix.error().message));
    if (std::ranges::find(list, *prefix) == list.end()) list.push_back(*prefix);
  }
  if (list.size() > session::kMaxPrefixes)
    return wrong(fmt::format("{}: {} prefixes at most", flag, session::kMaxPrefixes));
  return list;
}

Result<void> read_networks(const UpWords& words, UpOptions& options) {
  options.offers = TRY(prefixes("--offer", words.offers));
  options.accepts = TRY(prefixes("--accept", words.accepts));
  for (const std::string& text : split_at_commas(words.addresses)) {
    const AddressPair pair = TRY(parse_address_pair(text));
    AddressPair& target = (pair.local ? *pair.local : *pair.remote).is_v4() ? options.ipv4 : options.ipv6;
    if (target.local || target.remote) return wrong("--address: one LOCAL:REMOTE a family is enough");
    target = pair;
  }
  for (const std::string& text : split_at_commas(words.hosts)) {
    const IpAddress host = TRY(IpAddress::parse(text));
    if (!host.is_unicast_host()) return wrong("--hosts: '" + text + "' is not the address of a host");
    options.hosts.push_back(host);
  }
  if (options.hosts.size() > session::kMaxTargets)
    return wrong(fmt::format("--hosts: {} at most", session::kMaxTargets));

  const bool has_address =
      options.ipv4.local || options.ipv4.remote || options.ipv6.local || options.ipv6.remote;
  if (options.offers.empty() && options.accepts.empty() && !has_address) {
    return wrong(
        "nothing to join: say which networks of ours the far side gets (--offer) and which of its "
        "networks we take (--accept)");
  }
  return {};
}

// Each hop is handed on as ssh's own word, and must be one.
Result<void> check_jump(const std::string& jump) {
  for (const std::string& hop : split_at_commas({jump})) {
    const Result<Destination> parsed = parse_destination(hop.starts_with("ssh://") ? hop : "ssh://" + hop);
    if (!parsed) return wrong("-J: " + parsed.error().message);
  }
  return {};
}

Result<void> read_program(const UpWords& words, UpOptions& options) {
  if (words.ssh_program.empty()) return {};
  options.ssh_words = TRY(split_ssh_words(words.ssh_program));
  TRY(check_ssh_words(options.ssh_words));
  const bool wants_openssh = !words.ssh_options.empty() || !words.ssh_config.empty() || !words.jump.empty();
  if (wants_openssh && !is_openssh(options.ssh_words))
    return wrong("-o, -F and -J are OpenSSH's; put what the program of -e understands into -e");
  return {};
}

Result<void> read_ssh(const UpWords& words, UpOptions& options) {
  options.destination = TRY(parse_destination(words.destination));
  if (!words.port.empty()) {
    const auto port = static_cast<std::uint16_t>(TRY(number("-p", words.port, 1, 65535)));
    if (options.destination.port && options.destination.port != port)
      return wrong("-p and the destination name different ports");
    options.destination.port = port;
  }
  for (const std::string& identity : words.identities) TRY(check_printable("-i", identity));
  options.identities = words.identities;
  for (const std::string& option : words.ssh_options) TRY(check_ssh_option(option));
  options.ssh_options = words.ssh_options;
  if (!words.jump.empty()) {
    TRY(check_jump(words.jump));
    options.jump = words.jump;
  }
  if (!words.ssh_config.empty()) {
    TRY(check_printable("-F", words.ssh_config));
    options.ssh_config = words.ssh_config;
  }
  if (!words.remote_command.empty()) {
    TRY(check_printable("--remote-command", words.remote_command));
    options.remote_command = words.remote_command;
  }
  return read_program(words, options);
}

Result<void> read_names(const UpWords& words, UpOptions& options) {
  options.name = words.name.empty() ? greeting_name(options.destination.host) : words.name;
  options.is_named = !words.name.empty();
  if (!is_valid_name(options.name))
    return wrong("--name '" + options.name + "': letters, digits and . _ - do");
  options.interface = words.interface;
  if (!words.interface.empty() && !is_valid_interface(words.interface))
    return wrong("--interface '" + words.interface + "': a letter and up to 14 letters, digits, _ and - do");
  if (!words.mtu.empty()) {
    const std::uint32_t mtu = TRY(number("--mtu", words.mtu, 0, kMaxMtu));
    if (mtu < kMinMtu) return wrong(fmt::format("--mtu {}: IPv6 needs {} (RFC 8200)", mtu, kMinMtu));
    options.mtu = static_cast<std::uint16_t>(mtu);
  }
  if (!words.hold.empty())
    options.hold = std::chrono::seconds{TRY(number("--hold", words.hold, 0, kMaxHoldSeconds))};
  return {};
}

Result<void> read_datagrams(const UpWords& words, UpOptions& options) {
  if (!words.path.empty()) {
    const Result<session::PathMode> path = parse_path_mode(words.path);
    if (!path) return wrong("--path " + path.error().message);
    options.path = *path;
  }
  if (!words.udp_port.empty())
    options.udp_port = static_cast<std::uint16_t>(TRY(number("--udp-port", words.udp_port, 1, 65535)));
  for (const std::string& word : split_at_commas(words.ciphers)) {
    const Result<crypto::Cipher> cipher = parse_cipher(word);
    if (!cipher) return wrong("--cipher " + cipher.error().message);
    options.ciphers.push_back(*cipher);
  }
  for (const std::string& word : split_at_commas(words.rekey_after)) {
    const Result<void> lowered = lower_limits(options.soft_limits, word);
    if (!lowered) return wrong("--rekey-after " + lowered.error().message);
  }
  return {};
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

}  // namespace

void declare(CLI::App& app, UpWords& words) {
  app.add_option("destination", words.destination)->required();
  app.add_option("-p,--port", words.port);
  add_list(app, "-i,--identity", words.identities);
  app.add_option("-J,--jump", words.jump);
  app.add_option("-F,--ssh-config", words.ssh_config);
  add_list(app, "-o,--ssh-option", words.ssh_options);
  app.add_option("-e,--rsh", words.ssh_program);
  app.add_option("--remote-command", words.remote_command);
  add_list(app, "--offer", words.offers);
  add_list(app, "--accept", words.accepts);
  add_list(app, "--address", words.addresses);
  add_list(app, "--hosts", words.hosts);
  app.add_option("--name", words.name);
  app.add_option("--interface", words.interface);
  app.add_option("--mtu", words.mtu);
  app.add_option("--path", words.path);
  app.add_option("--udp-port", words.udp_port);
  add_list(app, "--cipher", words.ciphers);
  add_list(app, "--rekey-after", words.rekey_after);
  app.add_option("--hold", words.hold);
  app.add_flag("--proxy-arp", words.proxy_arp);
  app.add_flag("--masquerade", words.masquerade);
  app.add_flag("--no-guard", words.no_guard);
  app.add_flag("--detach", words.detach);
  app.add_flag("-v", words.verbosity);
}

Result<UpOptions> make_options(const UpWords& words) {
  UpOptions options;
  TRY(read_ssh(words, options));
  TRY(read_networks(words, options));
  TRY(read_names(words, options));
  TRY(read_datagrams(words, options));
  options.proxy_arp = words.proxy_arp;
  options.masquerade = words.masquerade;
  options.guard = !words.no_guard;
  options.detach = words.detach;
  options.verbosity = words.verbosity;
  return options;
}

std::string describe_extras(const CLI::App& app, const std::vector<std::string>& words) {
  const std::vector<std::string> names = option_names(app);
  const std::vector<std::string_view> known(names.begin(), names.end());
  for (const std::string& word : words) {
    const std::string flag = word.substr(0, word.find('='));
    const bool is_unknown = flag.starts_with("--") && std::ranges::find(names, flag) == names.end();
    if (is_unknown) return fmt::format("'{}' is no option{}", printable(flag, 60), suggestion(flag, known));
  }
  const std::vector<std::string> extras = app.remaining();
  return fmt::format("'{}' is not expected", extras.empty() ? "" : printable(extras.front(), 60));
}

}  // namespace isthmus::config
