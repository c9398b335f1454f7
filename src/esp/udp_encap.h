// What a UDP payload on the tunnel's port is (RFC 3948 section 2), told by its length and first octets alone.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "net/big_endian.h"

namespace isthmus::esp {

enum class UdpPayload : std::uint8_t { kEsp, kKeepalive, kNonEsp, kTooShort };

inline constexpr std::uint8_t kKeepalive = 0xff;
inline constexpr std::uint32_t kNonEspMarker = 0;

// kEsp if there is an SPI: whether the rest is an ESP packet is yet to be seen.
inline UdpPayload classify(ConstBytes payload) {
  if (payload.size() == 1 && payload[0] == kKeepalive) return UdpPayload::kKeepalive;
  if (payload.size() < sizeof(std::uint32_t)) return UdpPayload::kTooShort;
  return load_u32(payload, 0) == kNonEspMarker ? UdpPayload::kNonEsp : UdpPayload::kEsp;
}

}  // namespace isthmus::esp
