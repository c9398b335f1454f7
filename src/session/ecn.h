// Explicit Congestion Notification in an IP header (RFC 3168 section 5).
#pragma once

#include "base/bytes.h"
#include "net/big_endian.h"
#include "net/checksum.h"
#include "net/header_fields.h"

namespace isthmus::session {

// Writes Congestion Experienced into `packet` if its sender understands that (ECT), and says whether it now
// stands there. The checksum of an IPv4 header stays as right as it was.
inline bool mark_congestion(MutableBytes packet) {
  constexpr unsigned kCongestion = 3;
  if (packet.size() < kIpv4Header) return false;

  if (packet[0] >> 4 == 6) {
    // The traffic class lies across the first two octets; its low two bits are ECN (RFC 8200 section 3).
    if ((packet[1] >> 4 & kCongestion) == 0) return false;
    packet[1] = static_cast<std::uint8_t>(packet[1] | kCongestion << 4);
    return true;
  }

  if (packet[0] >> 4 != 4 || (packet[1] & kCongestion) == 0) return false;
  // RFC 1624 section 3, equation 3: HC' = ~(~HC + ~m + m'), m being the word that changes.
  const auto complement = [](std::uint16_t word) { return static_cast<std::uint16_t>(~word); };
  const std::uint16_t before = load_u16(packet, 0);
  const auto after = static_cast<std::uint16_t>(before | kCongestion);
  const std::uint32_t sum =
      std::uint32_t{complement(load_u16(packet, kIpv4ChecksumAt))} + complement(before) + after;
  store_u16(packet, 0, after);
  store_u16(packet, kIpv4ChecksumAt, complement(fold_sum(sum)));
  return true;
}

}  // namespace isthmus::session
