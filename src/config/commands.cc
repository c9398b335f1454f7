#include "config/commands.h"

#include <algorithm>

#include "base/printable.h"
#include "session/message.h"

namespace isthmus::config {
namespace {

bool consists_of_name_signs(std::string_view text, std::string_view signs) {
  return std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || signs.contains(c);
  });
}

std::unexpected<Error> no_pair(std::string_view text) {
  return fail(Error::Code::kInvalid, "'" + printable(text, 100) +
                                         "' is no LOCAL:REMOTE pair of addresses of one family, as in "
                                         "192.168.0.1:192.168.0.2 or [2001:db8::1]:[2001:db8::2]");
}

// One side from the front of `text`, up to a colon outside brackets.
Result<std::optional<IpAddress>> take_side(std::string_view whole, std::string_view& text) {
  const bool is_bracketed = text.starts_with('[');
  const std::size_t end = is_bracketed ? text.find(']') : std::min(text.find(':'), text.size());
  if (end == std::string_view::npos) return no_pair(whole);
  const std::string_view side = is_bracketed ? text.substr(1, end - 1) : text.substr(0, end);
  text.remove_prefix(is_bracketed ? end + 1 : end);
  if (side.empty() && !is_bracketed) return std::nullopt;
  const Result<IpAddress> address = IpAddress::parse(side);
  if (!address || address->is_v4() == is_bracketed || !address->is_unicast_host()) return no_pair(whole);
  return *address;
}

}  // namespace

Result<AddressPair> parse_address_pair(std::string_view text) {
  std::string_view rest = text;
  AddressPair pair;
  pair.local = TRY(take_side(text, rest));
  if (!rest.starts_with(':')) return no_pair(text);
  rest.remove_prefix(1);
  pair.remote = TRY(take_side(text, rest));
  if (!rest.empty() || (!pair.local && !pair.remote)) return no_pair(text);
  const bool is_mixed = pair.local && pair.remote && pair.local->family() != pair.remote->family();
  if (is_mixed || (pair.local && pair.local == pair.remote)) return no_pair(text);
  return pair;
}

bool is_valid_name(std::string_view text) {
  if (text.empty() || text.size() > session::kMaxName) return false;
  if (text.front() == '.' || text.front() == '-') return false;
  return consists_of_name_signs(text, "._-");
}

bool is_valid_interface(std::string_view text) {
  constexpr std::size_t kMaxInterface = 15;  // IFNAMSIZ without its NUL
  if (text.empty() || text.size() > kMaxInterface) return false;
  if (text == "all" || text == "default" || text == "lo") return false;
  const char first = text.front();
  if (first == '-' || first == '_' || (first >= '0' && first <= '9')) return false;
  return consists_of_name_signs(text, "_-");
}

}  // namespace isthmus::config
