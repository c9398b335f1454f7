// The 16-bit Frame Check Sequence of RFC 1662 appendix C.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace isthmus::ppp {

inline constexpr std::uint16_t kInitialFcs = 0xffff;
// What fcs16() yields over a frame together with the FCS that ends it, if neither was damaged.
inline constexpr std::uint16_t kGoodFcs = 0xf0b8;

// Continues `fcs` over `octets`. The field on the wire is the complement of the result, low octet first.
std::uint16_t fcs16(ConstBytes octets, std::uint16_t fcs = kInitialFcs);

}  // namespace isthmus::ppp
