// Explicit Congestion Notification in an IP header (RFC 3168 section 5).
#pragma once

#include "base/bytes.h"

namespace isthmus::session {

// Writes Congestion Experienced into `packet` if its sender understands that (ECT), and says whether it now
// stands there. The checksum of an IPv4 header stays as right as it was.
inline bool mark_congestion(MutableBytes packet) {
  constexpr unsigned kCongestion = 3;
  if (packet.size() < 20) return false;

  if (packet[0] >> 4 == 6) {
    // The traffic class lies across the first two octets; its low two bits are ECN (RFC 8200 section 3).
    if ((packet[1] >> 4 & kCongestion) == 0) return false;
    packet[1] = static_cast<std::uint8_t>(packet[1] | kCongestion << 4);
    return true;
  }

  if (packet[0] >> 4 != 4 || (packet[1] & kCongestion) == 0) return false;
  // RFC 1624 section 3, equation 3: HC' = ~(~HC + ~m + m'), m being the word that changes.
  const unsigned before = packet[0] * 256U + packet[1];
  const unsigned after = before | kCongestion;
  unsigned sum = (~(packet[10] * 256U + packet[11]) & 0xffffU) + (~before & 0xffffU) + after;
  sum = (sum & 0xffffU) + (sum >> 16);
  sum = (sum & 0xffffU) + (sum >> 16);
  packet[1] = static_cast<std::uint8_t>(after);
  packet[10] = static_cast<std::uint8_t>(~sum >> 8);
  packet[11] = static_cast<std::uint8_t>(~sum);
  return true;
}

}  // namespace isthmus::session
