#include "config/peer_file.h"

// Errors come back as values, and the parser is compiled in here and nowhere else.
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
// A table's name that begins like none is an error two lines further on, but before that an assertion of
// toml++ 3.3 ends the program (found by fuzzing).
#define TOML_ASSERT(expression) static_assert(true)
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>

#include "base/printable.h"
#include "config/nearest_word.h"

namespace isthmus::config {
namespace {

constexpr std::size_t kMaxListLength = 256;
constexpr std::int64_t kMinMtu = 1280;  // IPv6 needs it of every link (RFC 8200 section 5)
constexpr std::int64_t kMaxMtu = 65535;
constexpr std::int64_t kMaxPort = 65535;
constexpr std::int64_t kMaxHoldSeconds = 30LL * 24 * 3600;

// Where in which file, for messages.
class Place {
 public:
  explicit Place(std::string file) : file_(std::move(file)) {}
  [[nodiscard]] std::unexpected<Error> wrong(const toml::source_position& at, const std::string& why) const {
    return fail(Error::Code::kInvalid, fmt::format("{}:{}:{}: {}", file_, at.line, at.column, why));
  }
  [[nodiscard]] std::unexpected<Error> wrong(const toml::node& node, const std::string& why) const {
    return wrong(node.source().begin, why);
  }

 private:
  std::string file_;
};

// ---- values ----

Result<bool> take_bool(const toml::node& node, const Place& place) {
  if (const auto* value = node.as_boolean()) return value->get();
  return place.wrong(node, "true or false is expected");
}

Result<std::string> take_string(const toml::node& node, const Place& place) {
  if (const auto* value = node.as_string()) return value->get();
  return place.wrong(node, "a text in quotes is expected");
}

Result<std::int64_t> take_number(const toml::node& node, const Place& place, std::int64_t least,
                                 std::int64_t most) {
  const auto* value = node.as_integer();
  if (value == nullptr || value->get() < least || value->get() > most)
    return place.wrong(node, fmt::format("a number from {} to {} is expected", least, most));
  return value->get();
}

// A list of texts, each made a T by `parse`; one text alone stands for a list of one.
template <typename T, typename Parse>
Result<std::vector<T>> take_list(const toml::node& node, const Place& place, Parse parse) {
  std::vector<T> values;
  const auto take_one = [&](const toml::node& item) -> Result<void> {
    Result<T> value = parse(TRY(take_string(item, place)));
    if (!value) return place.wrong(item, printable(value.error().message, 300));
    if (std::ranges::find(values, *value) == values.end()) values.push_back(std::move(*value));
    return {};
  };
  const toml::array* list = node.as_array();
  if (list == nullptr) {
    TRY(take_one(node));
    return values;
  }
  if (list->size() > kMaxListLength) return place.wrong(node, "the list is too long");
  for (const toml::node& item : *list) TRY(take_one(item));
  return values;
}

Result<std::vector<Prefix>> take_prefixes(const toml::node& node, const Place& place) {
  return take_list<Prefix>(node, place, [](const std::string& text) { return Prefix::parse(text); });
}

Result<IpAddress> parse_host(const std::string& text) {
  const IpAddress address = TRY(IpAddress::parse(text));
  if (address.is_unicast_host()) return address;
  return fail(Error::Code::kInvalid, "'" + text + "' is not the address of a host");
}

Result<std::vector<IpAddress>> take_hosts(const toml::node& node, const Place& place) {
  return take_list<IpAddress>(node, place, parse_host);
}

// ---- keys ----

struct PeerKey {
  std::string_view name;
  Result<void> (*take)(const toml::node&, const Place&, PeerPolicy&);
};

Result<void> take_address(const toml::node& node, const Place& place, PeerPolicy& policy) {
  const auto pairs = TRY((
      take_list<AddressPair>(node, place, [](const std::string& text) { return parse_address_pair(text); })));
  for (const AddressPair& pair : pairs) {
    const bool is_v4 = (pair.local ? *pair.local : *pair.remote).is_v4();
    AddressPair& target = is_v4 ? policy.ipv4 : policy.ipv6;
    if (target.local || target.remote) return place.wrong(node, "one LOCAL:REMOTE a family is enough");
    target = pair;
  }
  return {};
}

Result<void> take_interface(const toml::node& node, const Place& place, PeerPolicy& policy) {
  policy.interface = TRY(take_string(node, place));
  if (is_valid_interface(policy.interface)) return {};
  return place.wrong(node, "an interface name is a letter and up to 14 letters, digits, _ and -");
}

Result<void> take_sudo_users(const toml::node& node, const Place& place, PeerPolicy& policy) {
  policy.sudo_users =
      TRY(take_list<std::string>(node, place, [](const std::string& text) -> Result<std::string> {
        if (is_valid_name(text)) return text;
        return fail(Error::Code::kInvalid, "a user consists of letters, digits and . _ -");
      }));
  return {};
}

Result<void> take_mtu(const toml::node& node, const Place& place, PeerPolicy& policy) {
  const std::int64_t mtu = TRY(take_number(node, place, 0, kMaxMtu));
  if (mtu < kMinMtu) return place.wrong(node, fmt::format("IPv6 needs {} or more (RFC 8200)", kMinMtu));
  policy.mtu = static_cast<std::uint16_t>(mtu);
  return {};
}

Result<void> take_path(const toml::node& node, const Place& place, PeerPolicy& policy) {
  const Result<session::PathMode> path = parse_path_mode(TRY(take_string(node, place)));
  if (!path) return place.wrong(node, path.error().message);
  policy.path = *path;
  return {};
}

Result<void> take_ciphers(const toml::node& node, const Place& place, PeerPolicy& policy) {
  policy.ciphers = TRY(take_list<crypto::Cipher>(node, place, parse_cipher));
  if (policy.ciphers.empty()) return place.wrong(node, "one cipher at least is expected");
  return {};
}

Result<void> take_udp_port(const toml::node& node, const Place& place, PeerPolicy& policy) {
  policy.udp_port = static_cast<std::uint16_t>(TRY(take_number(node, place, 1, kMaxPort)));
  return {};
}

Result<void> take_hold(const toml::node& node, const Place& place, PeerPolicy& policy) {
  policy.hold = std::chrono::seconds{TRY(take_number(node, place, 0, kMaxHoldSeconds))};
  return {};
}

template <auto Member>
Result<void> take_flag(const toml::node& node, const Place& place, PeerPolicy& policy) {
  policy.*Member = TRY(take_bool(node, place));
  return {};
}

template <auto Member>
Result<void> take_prefix_list(const toml::node& node, const Place& place, PeerPolicy& policy) {
  policy.*Member = TRY(take_prefixes(node, place));
  return {};
}

template <auto Member>
Result<void> take_host_list(const toml::node& node, const Place& place, PeerPolicy& policy) {
  policy.*Member = TRY(take_hosts(node, place));
  return {};
}

constexpr std::array kPeerKeys{
    PeerKey{"offer", take_prefix_list<&PeerPolicy::offers>},
    PeerKey{"accept", take_prefix_list<&PeerPolicy::accepts>},
    PeerKey{"address", take_address},
    PeerKey{"assign", take_host_list<&PeerPolicy::assign>},
    PeerKey{"hosts", take_host_list<&PeerPolicy::hosts>},
    PeerKey{"sudo_users", take_sudo_users},
    PeerKey{"mtu", take_mtu},
    PeerKey{"path", take_path},
    PeerKey{"udp_port", take_udp_port},
    PeerKey{"cipher", take_ciphers},
    PeerKey{"proxy_arp", take_flag<&PeerPolicy::proxy_arp>},
    PeerKey{"masquerade", take_flag<&PeerPolicy::masquerade>},
    PeerKey{"guard", take_flag<&PeerPolicy::guard>},
    PeerKey{"hold", take_hold},
    PeerKey{"interface", take_interface},
};

struct SiteKey {
  std::string_view name;
  Result<void> (*take)(const toml::node&, const Place&, SitePolicy&);
};

Result<void> take_deny(const toml::node& node, const Place& place, SitePolicy& policy) {
  policy.deny = TRY(take_prefixes(node, place));
  return {};
}

Result<void> take_adopt_root(const toml::node& node, const Place& place, SitePolicy& policy) {
  policy.adopt_root = TRY(take_bool(node, place));
  return {};
}

constexpr std::array kSiteKeys{SiteKey{"deny", take_deny}, SiteKey{"adopt_root", take_adopt_root}};

// ---- files ----

// toml++ 3.3 runs into an unreachable point (undefined behaviour, found by fuzzing) when it asks whether
// certain characters beyond ASCII, among them ordinary letters, are white space. No key and no value holds
// such a character, and in a comment nobody misses it.
std::string ascii_of(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::string ascii{text};
  std::ranges::replace_if(ascii, [](char c) { return static_cast<std::uint8_t>(c) >= 0x80; }, '?');
  return ascii;
}

Result<toml::table> parse_toml(std::string_view text, const Place& place) {
  if (text.size() > kMaxPolicyFile) return place.wrong(toml::source_position{1, 1}, "the file is too long");
  toml::parse_result parsed = toml::parse(ascii_of(text));
  if (parsed) return std::move(parsed).table();
  const toml::parse_error& error = parsed.error();
  return place.wrong(error.source().begin, printable(error.description(), 300));
}

template <typename Keys, typename Policy>
Result<Policy> read_keys(std::string_view text, const std::string& file, const Keys& keys, Policy policy) {
  const Place place{file};
  const toml::table table = TRY(parse_toml(text, place));
  for (const auto& [key, node] : table) {
    const auto known = std::ranges::find(keys, key.str(), [](const auto& one) { return one.name; });
    if (known != keys.end()) {
      TRY(known->take(node, place, policy));
      continue;
    }
    std::vector<std::string_view> names;
    for (const auto& one : keys) names.push_back(one.name);
    return place.wrong(key.source().begin, fmt::format("'{}' is no key here{}", printable(key.str(), 60),
                                                       suggestion(key.str(), names)));
  }
  return policy;
}

}  // namespace

Result<PeerPolicy> parse_peer_file(std::string_view text, const std::string& name) {
  PeerPolicy policy;
  policy.origin = PolicyOrigin::kPeerFile;
  policy.name = name;
  policy.hold = kDefaultAttachHold;
  return read_keys(text, name + ".toml", kPeerKeys, std::move(policy));
}

Result<SitePolicy> parse_site_policy(std::string_view text) {
  return read_keys(text, "policy.toml", kSiteKeys, SitePolicy{});
}

}  // namespace isthmus::config
