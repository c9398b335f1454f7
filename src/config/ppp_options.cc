#include "config/ppp_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/parse_number.h"
#include "base/printable.h"
#include "config/commands.h"
#include "config/split_words.h"

namespace isthmus::config {
namespace {

// "Never" for the dead timers of a link without lcp-echo-failure.
constexpr Duration kNever = std::chrono::hours{24 * 365 * 10};
constexpr std::uint32_t kEscapeEverything = 0xffffffff;

std::unexpected<Error> wrong(const std::string& why) {
  return fail(Error::Code::kInvalid, why);
}

// What the words said, before it is put together.
struct Draft {
  PppOptions options;
  ppp::NetworkOptions network;
  std::optional<PppDetach> detach;
  std::uint32_t echo_interval = 0;  // s, 0: none
  std::uint32_t echo_failure = 0;   // 0: never dead
  std::optional<bool> accept_local, accept_remote;
};

Result<std::uint32_t> number(std::string_view option, std::string_view text, std::uint32_t least,
                             std::uint32_t most, int base = 10) {
  if (base == 16 && (text.starts_with("0x") || text.starts_with("0X"))) text.remove_prefix(2);
  const auto value = parse_number<std::uint32_t>(text, base);
  if (value && *value >= least && *value <= most) return *value;
  return wrong(fmt::format("{}: '{}' is no number from {} to {}", option, printable(text, 40), least, most));
}

// ---- options without a value ----

struct Flag {
  std::string_view word;
  void (*apply)(Draft&);
};

// Accepted and without effect: what they switch off is never done, or what they ask for always.
constexpr std::array<std::string_view, 14> kNoEffect{
    "noauth", "novj",        "novjccomp", "noccp",         "nodeflate",   "nobsdcomp", "nopredictor1",
    "nomppe", "noipdefault", "nolog",     "hide-password", "nomultilink", "nomp",      "noendpoint"};

constexpr std::array kFlags{
    Flag{"nodetach", [](Draft& d) { d.detach = PppDetach::kNever; }},
    Flag{"-detach", [](Draft& d) { d.detach = PppDetach::kNever; }},
    Flag{"updetach", [](Draft& d) { d.detach = PppDetach::kDetachWhenUp; }},
    Flag{"notty", [](Draft& d) { d.options.transport = PppTransport::kNotty; }},
    Flag{"passive", [](Draft& d) { d.options.link.passive = true; }},
    Flag{"-p", [](Draft& d) { d.options.link.passive = true; }},
    Flag{"silent", [](Draft& d) { d.options.link.silent = true; }},
    Flag{"local", [](Draft& d) { d.options.modem_control = false; }},
    Flag{"modem", [](Draft& d) { d.options.modem_control = true; }},
    Flag{"crtscts", [](Draft& d) { d.options.hardware_flow_control = true; }},
    Flag{"-crtscts", [](Draft& d) { d.options.hardware_flow_control = false; }},
    Flag{"nocrtscts", [](Draft& d) { d.options.hardware_flow_control = false; }},
    Flag{"lock", [](Draft& d) { d.options.lock = true; }},
    Flag{"nolock", [](Draft& d) { d.options.lock = false; }},
    Flag{"debug", [](Draft& d) { ++d.options.verbosity; }},
    Flag{"-d", [](Draft& d) { ++d.options.verbosity; }},
    Flag{"dump", [](Draft& d) { d.options.dump = true; }},
    Flag{"default-asyncmap", [](Draft& d) { d.options.link.accm = kEscapeEverything; }},
    Flag{"-am", [](Draft& d) { d.options.link.accm = kEscapeEverything; }},
    Flag{"default-mru", [](Draft& d) { d.options.link.mru = 1500; }},
    Flag{"noaccomp", [](Draft& d) { d.options.link.address_control_compression = false; }},
    Flag{"nopcomp", [](Draft& d) { d.options.link.protocol_field_compression = false; }},
    Flag{"nomagic", [](Draft& d) { d.options.link.magic_number = false; }},
    Flag{"ipcp-accept-local", [](Draft& d) { d.accept_local = true; }},
    Flag{"ipcp-accept-remote", [](Draft& d) { d.accept_remote = true; }},
    Flag{"usepeerdns", [](Draft& d) { d.options.use_peer_dns = d.network.ask_for_dns = true; }},
    Flag{"defaultroute", [](Draft& d) { d.options.default_route = true; }},
    Flag{"nodefaultroute", [](Draft& d) { d.options.default_route = false; }},
    Flag{"proxyarp", [](Draft& d) { d.options.proxy_arp = true; }},
    Flag{"noproxyarp", [](Draft& d) { d.options.proxy_arp = false; }},
    Flag{"noip", [](Draft& d) { d.network.ipv4 = false; }},
    Flag{"noipv6", [](Draft& d) { d.network.ipv6 = false; }},
    Flag{"+ipv6", [](Draft& d) { d.network.ipv6 = true; }},
    Flag{"persist", [](Draft& d) { d.options.persist = true; }},
    Flag{"nopersist", [](Draft& d) { d.options.persist = false; }},
};

// ---- options with a value ----

struct Valued {
  std::string_view word;
  Result<void> (*apply)(const std::string&, Draft&);
};

Result<void> take_asyncmap(const std::string& text, Draft& draft) {
  draft.options.link.accm |= TRY(number("asyncmap", text, 0, kEscapeEverything, 16));
  return {};
}

Result<void> take_mru(const std::string& text, Draft& draft) {
  draft.options.link.mru = static_cast<std::uint16_t>(TRY(number("mru", text, 128, 16384)));
  return {};
}

Result<void> take_mtu(const std::string& text, Draft& draft) {
  draft.options.mtu = static_cast<std::uint16_t>(TRY(number("mtu", text, 128, 16384)));
  return {};
}

Result<void> take_restart(const std::string& text, Draft& draft) {
  draft.options.link.restart_interval = std::chrono::seconds{TRY(number("lcp-restart", text, 1, 3600))};
  return {};
}

Result<void> take_hold_off(const std::string& text, Draft& draft) {
  draft.options.hold_off = std::chrono::seconds{TRY(number("holdoff", text, 0, 86400))};
  return {};
}

Result<void> take_dns(const std::string& text, Draft& draft) {
  const IpAddress server = TRY(IpAddress::parse(text));
  if (!server.is_v4() || !server.is_unicast_host())
    return wrong("ms-dns: an IPv4 address of a host is expected");
  if (draft.network.dns_to_offer.size() == 2) return wrong("ms-dns: two servers at most");
  draft.network.dns_to_offer.push_back(server);
  return {};
}

// "::a:b:c:d": the upper half is zero.
Result<std::optional<std::uint64_t>> interface_id(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const Result<IpAddress> address = IpAddress::parse(text);
  std::uint64_t upper = 0, lower = 0;
  if (address && !address->is_v4()) {
    for (std::size_t i = 0; i < 8; ++i) {
      upper = upper << 8 | address->octets()[i];
      lower = lower << 8 | address->octets()[8 + i];
    }
  }
  if (!address || address->is_v4() || upper != 0 || lower == 0)
    return wrong("ipv6: '" + printable(text, 60) + "' is no interface identifier, as in ::1,::2");
  return lower;
}

Result<void> take_ipv6(const std::string& text, Draft& draft) {
  const std::size_t comma = std::min(text.find(','), text.size());
  draft.network.local_interface_id = TRY(interface_id(std::string_view{text}.substr(0, comma)));
  draft.options.remote_interface_id =
      TRY(interface_id(std::string_view{text}.substr(std::min(comma + 1, text.size()))));
  const bool both_same = draft.network.local_interface_id &&
                         draft.network.local_interface_id == draft.options.remote_interface_id;
  if (both_same) return wrong("ipv6: the two identifiers differ");
  draft.network.ipv6 = true;
  return {};
}

Result<void> take_pty(const std::string& text, Draft& draft) {
  draft.options.transport = PppTransport::kPty;
  draft.options.pty_command = TRY(split_words(text, "pty"));
  return {};
}

Result<void> take_interface(const std::string& text, Draft& draft) {
  if (!is_valid_interface(text))
    return wrong("ifname: '" + printable(text, 40) + "' cannot name an interface");
  draft.options.interface = text;
  return {};
}

Result<void> take_unit(const std::string& text, Draft& draft) {
  draft.options.interface = "ppp" + std::to_string(TRY(number("unit", text, 0, 65535)));
  return {};
}

Result<void> take_link_name(const std::string& text, Draft& draft) {
  if (!is_valid_name(text)) return wrong("linkname: letters, digits and . _ - do");
  draft.options.link_name = text;
  return {};
}

Result<void> take_parameter(const std::string& text, Draft& draft) {
  if (printable(text, 256) != text) return wrong("ipparam: printable text of at most 256 octets is expected");
  draft.options.parameter = text;
  return {};
}

template <auto Member>
Result<void> take_count(const std::string& text, Draft& draft) {
  draft.options.link.*Member = static_cast<int>(TRY(number("lcp-max-…", text, 1, 1000)));
  return {};
}

constexpr std::array kValued{
    Valued{"pty", take_pty},
    Valued{"asyncmap", take_asyncmap},
    Valued{"-as", take_asyncmap},
    Valued{"mru", take_mru},
    Valued{"mtu", take_mtu},
    Valued{"lcp-restart", take_restart},
    Valued{"lcp-max-configure", take_count<&ppp::LinkOptions::max_configure>},
    Valued{"lcp-max-terminate", take_count<&ppp::LinkOptions::max_terminate>},
    Valued{"lcp-max-failure", take_count<&ppp::LinkOptions::max_failure>},
    Valued{"lcp-echo-interval",
           [](const std::string& text, Draft& draft) -> Result<void> {
             draft.echo_interval = TRY(number("lcp-echo-interval", text, 0, 86400));
             return {};
           }},
    Valued{"lcp-echo-failure",
           [](const std::string& text, Draft& draft) -> Result<void> {
             draft.echo_failure = TRY(number("lcp-echo-failure", text, 0, 10000));
             return {};
           }},
    Valued{"ms-dns", take_dns},
    Valued{"ipv6", take_ipv6},
    Valued{"ipparam", take_parameter},
    Valued{"linkname", take_link_name},
    Valued{"ifname", take_interface},
    Valued{"unit", take_unit},
    Valued{"maxfail",
           [](const std::string& text, Draft& draft) -> Result<void> {
             draft.options.max_fail = static_cast<int>(TRY(number("maxfail", text, 0, 1'000'000)));
             return {};
           }},
    Valued{"holdoff", take_hold_off},
    Valued{"kdebug",
           [](const std::string& text, Draft&) -> Result<void> {
             TRY(number("kdebug", text, 0, 255));
             return {};
           }},
};

// ---- options that pppd has and we refuse ----

struct Refusal {
  std::string_view word;
  const char* reason;
};
constexpr const char* kNoAuthentication =
    "who may connect is ssh's business; there is no PPP authentication here";
constexpr const char* kNoScripts = "nothing is run by a shell here; run it before isthmus ppp, or use pty";
constexpr std::array kRefusals{
    Refusal{"auth", kNoAuthentication},
    Refusal{"require-pap", kNoAuthentication},
    Refusal{"require-chap", kNoAuthentication},
    Refusal{"require-eap", kNoAuthentication},
    Refusal{"login", kNoAuthentication},
    Refusal{"connect", kNoScripts},
    Refusal{"disconnect", kNoScripts},
    Refusal{"init", kNoScripts},
    Refusal{"welcome", kNoScripts},
    Refusal{"file", "options stand on the command line"},
    Refusal{"call", "options stand on the command line"},
    Refusal{"plugin", "there are no plugins"},
    Refusal{"sync", "synchronous framing needs hardware; a stream is asynchronous"},
    Refusal{"escape", "the peer's own asyncmap says what is escaped towards it"},
    Refusal{"idle", "a link stays until it is ended"},
    Refusal{"demand", "a link is made at once"},
    Refusal{"xonxoff", "use crtscts, or nothing on a pipe"},
};

// ---- words that are their own value ----

bool is_number(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_tty(std::string_view word) {
  if (word.contains("..") || printable(word, 256) != word || word.contains(' ')) return false;
  return word.starts_with("/dev/") || word.starts_with("tty") || word.starts_with("pts/");
}

Result<void> take_addresses(const std::string& word, Draft& draft) {
  const Result<AddressPair> pair = parse_address_pair(word);
  const auto is_ipv6 = [](const std::optional<IpAddress>& one) { return one && !one->is_v4(); };
  if (word == ":") return {};
  if (!pair || is_ipv6(pair->local) || is_ipv6(pair->remote))
    return wrong("'" + printable(word, 80) + "' is no LOCAL:REMOTE pair of IPv4 addresses");
  if (pair->local) draft.network.local_ipv4 = pair->local;
  if (pair->remote) draft.network.remote_ipv4 = pair->remote;
  return {};
}

Result<void> take_own_value(const std::string& word, Draft& draft) {
  if (is_number(word)) {
    draft.options.speed = TRY(number("speed", word, 50, 100'000'000));
    return {};
  }
  if (is_tty(word)) {
    draft.options.tty = word.starts_with("/dev/") ? word : "/dev/" + word;
    return {};
  }
  if (word.contains(':')) return take_addresses(word, draft);
  return wrong("unrecognized option '" + printable(word, 80) + "'");
}

// Returns how many words were taken.
Result<std::size_t> take_option(const std::vector<std::string>& words, std::size_t at, Draft& draft) {
  const std::string& word = words[at];
  if (std::ranges::find(kNoEffect, word) != kNoEffect.end()) return 1;
  if (const auto flag = std::ranges::find(kFlags, word, &Flag::word); flag != kFlags.end()) {
    flag->apply(draft);
    return 1;
  }
  if (const auto valued = std::ranges::find(kValued, word, &Valued::word); valued != kValued.end()) {
    if (at + 1 >= words.size()) return wrong("too few parameters for option " + word);
    TRY(valued->apply(words[at + 1], draft));
    return 2;
  }
  if (const auto refusal = std::ranges::find(kRefusals, word, &Refusal::word); refusal != kRefusals.end())
    return wrong("option '" + word + "' is refused: " + refusal->reason);
  TRY(take_own_value(word, draft));
  return 1;
}

// ---- putting it together ----

void settle_echo(const Draft& draft, ppp::LinkOptions& link) {
  link.echo_interval.reset();
  link.dead_after_idle = link.dead_after_busy = kNever;
  if (draft.echo_interval == 0) return;
  link.echo_interval = std::chrono::seconds{draft.echo_interval};
  if (draft.echo_failure == 0) return;
  // pppd gives up when the next request is due after `failure` unanswered ones.
  const std::uint64_t seconds = std::uint64_t{draft.echo_interval} * (draft.echo_failure + 1);
  link.dead_after_idle = link.dead_after_busy = std::chrono::seconds{seconds};
}

Result<void> check_transport(const Draft& draft) {
  const bool has_tty = !draft.options.tty.empty();
  if (has_tty && draft.options.transport == PppTransport::kNotty)
    return wrong("notty: a device is named as well");
  if (has_tty && draft.options.transport == PppTransport::kPty)
    return wrong("pty: a device is named as well");
  const bool is_both = !draft.options.pty_command.empty() && draft.options.transport != PppTransport::kPty;
  if (is_both) return wrong("pty and notty exclude each other");
  const bool has_nothing = !draft.network.ipv4 && !draft.network.ipv6;
  if (has_nothing) return wrong("noip and noipv6 together leave nothing to carry");
  return {};
}

PppOptions put_together(Draft draft) {
  PppOptions& options = draft.options;
  ppp::NetworkOptions& network = draft.network;
  network.accept_local_ipv4 = draft.accept_local.value_or(!network.local_ipv4);
  network.accept_remote_ipv4 = draft.accept_remote.value_or(!network.remote_ipv4);
  options.link.network = network;
  options.link.vsncp = false;
  settle_echo(draft, options.link);
  // On standard input somebody waits for us.
  const bool is_attended = options.tty.empty() && options.transport != PppTransport::kPty;
  options.detach = draft.detach.value_or(is_attended ? PppDetach::kNever : PppDetach::kDetachAtOnce);
  return std::move(options);
}

}  // namespace

Result<PppOptions> parse_ppp_options(const std::vector<std::string>& words) {
  constexpr std::size_t kMaxWords = 200;
  if (words.size() > kMaxWords) return wrong("too many options");
  Draft draft;
  for (std::size_t at = 0; at < words.size();) at += TRY(take_option(words, at, draft));
  TRY(check_transport(draft));
  return put_together(std::move(draft));
}

}  // namespace isthmus::config
