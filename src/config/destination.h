// Where `up` goes: [USER@]HOST or ssh://[USER@]HOST[:PORT], with an IPv6 address in brackets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace isthmus::config {

// Safe to hand to ssh as words of its command line: neither field begins with '-' or holds anything but
// letters, digits and the few signs that names need.
struct Destination {
  std::string user;  // empty: ssh decides
  std::string host;  // a name, an alias of the user's ssh configuration, or an address without brackets
  std::optional<std::uint16_t> port;

  // "root@polanski", "[2001:db8::1]:2222": for people.
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const Destination&, const Destination&) = default;
};

// kInvalid with what is wrong and how it should look.
Result<Destination> parse_destination(std::string_view text);

}  // namespace isthmus::config
