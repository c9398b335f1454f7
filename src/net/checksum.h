// The Internet checksum (RFC 1071) of IPv4 headers, TCP and UDP (RFC 9293 section 3.1, RFC 768, RFC 8200
// section 8.1).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "net/transport_view.h"

namespace isthmus {

// Brings a sum of 16-bit numbers into 16 bits, as one's complement adds.
constexpr std::uint16_t fold_sum(std::uint32_t sum) {
  sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<std::uint16_t>(sum + (sum >> 16U));
}

// The one's complement sum of the big-endian 16-bit words, not complemented; an odd last octet counts as a
// word's first. Sums of parts may be added and folded if all parts but the last have even lengths.
[[nodiscard]] std::uint16_t sum_octets(ConstBytes octets);

// The sum of the pseudo-header of a packet whose transport header and payload take `transport_length`.
// `octets` holds at least the IP header that `view` speaks of.
[[nodiscard]] std::uint32_t pseudo_header_sum(ConstBytes octets, const TransportView& view,
                                              std::size_t transport_length);

// What stands in the checksum field when everything it covers sums up to `sum`. Never 0, which in UDP would
// say "none"; to every receiver 0xffff is the same number (RFC 768, RFC 1071 section 2).
[[nodiscard]] constexpr std::uint16_t checksum_of(std::uint32_t sum) {
  const auto checksum = static_cast<std::uint16_t>(~fold_sum(sum));
  return checksum == 0 ? 0xffff : checksum;
}

// `header` is a whole IPv4 header, with its options.
void complete_ipv4_checksum(MutableBytes header);
[[nodiscard]] bool is_ipv4_checksum_right(ConstBytes header);

// `octets` is what `view` is a view of.
void complete_transport_checksum(MutableBytes octets, const TransportView& view);

enum class ChecksumState : std::uint8_t {
  kRight,
  kWrong,
  kNone,  // UDP over IPv4 whose sender computed none
};
[[nodiscard]] ChecksumState transport_checksum_state(ConstBytes octets, const TransportView& view);

}  // namespace isthmus
