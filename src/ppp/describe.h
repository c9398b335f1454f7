// Frames in words, for -vv and for logs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace isthmus::ppp {

inline constexpr std::size_t kMaxDescription = 400;

// One line of printable ASCII, at most kMaxDescription characters, such as
//   LCP Configure-Request id=1 <asyncmap 0x0> <magic 0x1b2c3d4e> <pcomp> <accomp>
//   IPv4 193.6.35.12 > 193.6.37.12 ICMP len 84
// Any octets are fine: what breaks its format is said to, and shown in hexadecimal; text of the peer is
// escaped.
std::string describe_frame(std::uint16_t protocol, ConstBytes information);

// "LCP", "IPv4" and the like; empty if the number has no name here.
std::string_view protocol_name(std::uint16_t protocol);

}  // namespace isthmus::ppp
