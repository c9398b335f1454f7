// Where the parts of a whole TCP or UDP packet lie, found without trusting any length in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "net/address.h"
#include "net/header_fields.h"

namespace isthmus {

enum class Transport : std::uint8_t { kTcp = 6, kUdp = 17 };

struct TransportView {
  Family family = Family::kIpv4;
  Transport protocol = Transport::kTcp;
  std::size_t transport_at = 0;  // octets of the IP header with its options or extension headers
  std::size_t payload_at = 0;    // octets of all headers

  [[nodiscard]] std::size_t checksum_at() const {
    return transport_at + (protocol == Transport::kTcp ? kTcpChecksumAt : kUdpChecksumAt);
  }
  [[nodiscard]] bool has_options() const {
    return transport_at > (family == Family::kIpv4 ? kIpv4Header : kIpv6Header);
  }

  friend bool operator==(const TransportView&, const TransportView&) = default;
};

// Empty unless `octets` is exactly one IPv4 or IPv6 packet, at most kMaxPacket of them, no fragment, with a
// whole TCP or UDP header: every length it states agrees with the number of octets. Of IPv6's extension
// headers a few are passed over: hop-by-hop and destination options, and a routing header that is used up (of
// another, the pseudo-header's destination would not be the header's, RFC 8200 section 8.1).
std::optional<TransportView> view_transport(ConstBytes octets);

}  // namespace isthmus
