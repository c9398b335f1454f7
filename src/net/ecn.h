// The traffic class of an IP packet: DSCP (RFC 2474) in its six high bits, Explicit Congestion Notification
// (RFC 3168 section 5) in the two low ones. A packet that is shorter than an IPv4 header, or of no version we
// know, has none: it reads as zero and is never written to.
#pragma once

#include "base/bytes.h"
#include "net/big_endian.h"
#include "net/checksum.h"
#include "net/header_fields.h"

namespace isthmus {

enum class Ecn : std::uint8_t {
  kNotEct = 0,
  kEct1 = 1,
  kEct0 = 2,
  kCe = 3,  // Congestion Experienced
};

inline constexpr std::uint8_t kEcnMask = 3;

constexpr Ecn ecn_of(std::uint8_t traffic_class) {
  return static_cast<Ecn>(traffic_class & kEcnMask);
}

inline std::uint8_t traffic_class_of(ConstBytes packet) {
  if (packet.size() < kIpv4Header) return 0;
  if (packet[0] >> 4 == 4) return packet[1];
  // It lies across the first two octets of IPv6 (RFC 8200 section 3).
  return packet[0] >> 4 == 6 ? static_cast<std::uint8_t>(load_u16(packet, 0) >> 4) : std::uint8_t{0};
}

// Leaves DSCP as it is, and the checksum of an IPv4 header as right as it was.
inline void set_ecn(MutableBytes packet, Ecn ecn) {
  if (packet.size() < kIpv4Header) return;
  const auto bits = static_cast<unsigned>(ecn);
  if (packet[0] >> 4 == 6) {
    packet[1] = static_cast<std::uint8_t>((packet[1] & ~(kEcnMask << 4U)) | bits << 4U);
    return;
  }
  if (packet[0] >> 4 != 4) return;

  const unsigned before = load_u16(packet, 0);
  const unsigned after = (before & ~unsigned{kEcnMask}) | bits;
  if (after == before) return;
  // RFC 1624 section 3, equation 3: HC' = ~(~HC + ~m + m'), m being the word that changes.
  const unsigned sum = (~unsigned{load_u16(packet, kIpv4ChecksumAt)} & 0xffffU) + (~before & 0xffffU) + after;
  store_u16(packet, 0, static_cast<std::uint16_t>(after));
  store_u16(packet, kIpv4ChecksumAt, static_cast<std::uint16_t>(~fold_sum(sum)));
}

// Writes Congestion Experienced into `packet` if its sender understands that (ECT), and says whether it now
// stands there.
inline bool mark_congestion(MutableBytes packet) {
  if (ecn_of(traffic_class_of(packet)) == Ecn::kNotEct) return false;
  set_ecn(packet, Ecn::kCe);
  return true;
}

}  // namespace isthmus
