// The octets that octet-stuffed framing gives a meaning (RFC 1662 sections 3.1 and 4).
#pragma once

#include <cstdint>

namespace isthmus::ppp {

inline constexpr std::uint8_t kFlag = 0x7e;
inline constexpr std::uint8_t kControlEscape = 0x7d;
inline constexpr std::uint8_t kEscapeBit = 0x20;  // flipped in the octet after a Control Escape
inline constexpr std::uint8_t kAllStations = 0xff;
inline constexpr std::uint8_t kUnnumberedInformation = 0x03;

inline constexpr std::size_t kAddressControlSize = 2;
inline constexpr std::size_t kProtocolSize = 2;
inline constexpr std::size_t kFcsSize = 2;

// Whether `accm` flags `octet`: bit n stands for the control character n (RFC 1662 section 7.1).
constexpr bool is_mapped(std::uint32_t accm, std::uint8_t octet) {
  return octet < 0x20 && ((accm >> octet) & 1) != 0;
}

}  // namespace isthmus::ppp
