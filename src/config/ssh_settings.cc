#include "config/ssh_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/guard.h"
#include "base/parse_number.h"

namespace isthmus::config {
namespace {

using Lines = std::map<std::string, std::string, std::less<>>;

// OpenSSH prints its keys in lower case, most of them.
std::string lower(std::string_view text) {
  std::string out{text};
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

Lines lines_of(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t blank = std::min(line.find(' '), line.size());
    const std::size_t value = std::min(blank + 1, line.size());
    lines.emplace(lower(line.substr(0, blank)), line.substr(value));
  }
  return lines;
}

std::string value_of(const Lines& lines, std::string_view key) {
  const auto place = lines.find(key);
  return place == lines.end() || place->second == "none" ? std::string{} : place->second;
}

// Whether these known_hosts files keep nothing: none at all, or only the one that forgets.
bool keeps_nothing(std::string_view files) {
  while (!files.empty()) {
    const std::size_t end = std::min(files.find(' '), files.size());
    const std::string_view file = files.substr(0, end);
    files.remove_prefix(std::min(end + 1, files.size()));
    if (!file.empty() && file != "none" && file != "/dev/null") return false;
  }
  return true;
}

std::string weakness_of(const Lines& lines) {
  const std::string checking = value_of(lines, "stricthostkeychecking");
  const bool is_off = checking == "false" || checking == "off" || checking == "no";
  if (!guard<Guard::kHostKeyCheck>(!is_off)) return "StrictHostKeyChecking no";
  if (!guard<Guard::kHostKeyCheck>(value_of(lines, "nohostauthenticationforlocalhost") != "yes"))
    return "NoHostAuthenticationForLocalhost yes";
  const bool is_forgetful = keeps_nothing(value_of(lines, "userknownhostsfile")) &&
                            keeps_nothing(value_of(lines, "globalknownhostsfile")) &&
                            value_of(lines, "knownhostscommand").empty();
  if (!guard<Guard::kHostKeyCheck>(checking != "accept-new" || !is_forgetful))
    return "StrictHostKeyChecking accept-new with no known_hosts file that keeps a key";
  return "";
}

// What only ssh itself does, or does with a connection of its own: a proxy, where it binds, names that become
// others by asking DNS, the address checked beside the name, a dead connection kept.
bool wants_ssh_to_connect(const Lines& lines) {
  for (const char* key :
       {"proxycommand", "proxyjump", "bindaddress", "bindinterface", "canonicalizepermittedcnames"})
    if (!value_of(lines, key).empty()) return true;
  const std::string canonical = value_of(lines, "canonicalizehostname");
  const bool is_name_kept = canonical.empty() || canonical == "false" || canonical == "no";
  return !is_name_kept || value_of(lines, "proxyusefdpass") == "yes" ||
         value_of(lines, "checkhostip") == "yes" || value_of(lines, "tcpkeepalive") == "no";
}

std::optional<SshTarget> target_of(const Lines& lines) {
  SshTarget target;
  target.host = value_of(lines, "hostname");
  const auto family = parse_address_family(value_of(lines, "addressfamily"));
  const auto port = parse_number<std::uint16_t>(value_of(lines, "port"));
  if (wants_ssh_to_connect(lines) || !is_target_host(target.host) || !family || !port) return std::nullopt;
  target.port = *port;
  target.family = *family;
  target.timeout = std::chrono::seconds{parse_number<int>(value_of(lines, "connecttimeout")).value_or(0)};
  target.attempts = parse_number<int>(value_of(lines, "connectionattempts")).value_or(1);
  // What does not come back the same lies outside of a target's bounds.
  if (decode_ssh_target(encode_ssh_target(target)) != target) return std::nullopt;
  return target;
}

}  // namespace

SshSettings parse_ssh_settings(std::string_view text) {
  const Lines lines = lines_of(text);
  SshSettings settings;
  settings.host_name = value_of(lines, "hostname");
  settings.port = parse_number<std::uint16_t>(value_of(lines, "port")).value_or(settings.port);
  settings.host_key_alias = value_of(lines, "hostkeyalias");
  settings.is_direct = !settings.host_name.empty() && value_of(lines, "proxycommand").empty() &&
                       value_of(lines, "proxyjump").empty();
  settings.target = target_of(lines);
  settings.ciphers = value_of(lines, "ciphers");
  settings.weakness = weakness_of(lines);
  return settings;
}

std::string known_hosts_name(const SshSettings& settings) {
  if (!settings.host_key_alias.empty()) return settings.host_key_alias;
  if (settings.port == 22) return settings.host_name;
  return fmt::format("[{}]:{}", settings.host_name, settings.port);
}

std::string with_aes_gcm_first(std::string_view ciphers) {
  constexpr std::string_view kDefaultHead = "chacha20-poly1305@openssh.com,";
  constexpr std::string_view kFast = "aes128-gcm@openssh.com";
  if (!ciphers.starts_with(kDefaultHead)) return "";
  std::string others;
  bool is_there = false;
  while (!ciphers.empty()) {
    const std::size_t end = std::min(ciphers.find(','), ciphers.size());
    const std::string_view cipher = ciphers.substr(0, end);
    ciphers.remove_prefix(std::min(end + 1, ciphers.size()));
    if (cipher == kFast) {
      is_there = true;
    } else {
      others.append(",").append(cipher);
    }
  }
  return is_there ? std::string{kFast} + others : "";
}

}  // namespace isthmus::config
