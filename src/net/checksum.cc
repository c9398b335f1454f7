#include "net/checksum.h"

#include <array>
#include <bit>
#include <cstring>

#include "net/big_endian.h"
#include "net/header_fields.h"

namespace isthmus {
namespace {

// Two of them at a time, on any processor that has vectors of 16 octets.
using Lanes = std::uint64_t __attribute__((vector_size(16)));
constexpr std::size_t kStep = 4 * sizeof(Lanes);

Lanes load(const std::uint8_t* from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

template <typename Word>
std::uint64_t word(ConstBytes octets) {
  Word value = 0;
  std::memcpy(&value, octets.data(), sizeof value);
  return value;
}

// Halves of 32 bits in lanes of 64: 2^32 of them would have to be added before one overflows.
std::uint64_t sum_steps(const std::uint8_t* from, std::size_t steps) {
  Lanes low{};
  Lanes high{};
  for (; steps > 0; --steps, from += kStep) {
    for (std::size_t i = 0; i < 4; ++i) {
      const Lanes lanes = load(from + i * sizeof(Lanes));
      low += lanes & 0xffffffffU;
      high += lanes >> 32U;
    }
  }
  const Lanes both = low + high;
  return both[0] + both[1];
}

// RFC 1071 section 2 (B): the sum of words in the machine's own order is the sum in the machine's own order.
std::uint64_t native_sum(ConstBytes octets) {
  const std::size_t steps = octets.size() / kStep;
  std::uint64_t sum = steps > 0 ? sum_steps(octets.data(), steps) : 0;
  octets = octets.subspan(steps * kStep);
  for (; octets.size() >= 4; octets = octets.subspan(4)) sum += word<std::uint32_t>(octets);
  if (octets.size() >= 2) {
    sum += word<std::uint16_t>(octets);
    octets = octets.subspan(2);
  }
  if (octets.empty()) return sum;
  const std::array<std::uint8_t, 2> last{octets[0], 0};
  return sum + word<std::uint16_t>(last);
}

}  // namespace

std::uint16_t sum_octets(ConstBytes octets) {
  std::uint64_t sum = native_sum(octets);
  sum = (sum & 0xffffffffU) + (sum >> 32U);
  sum = (sum & 0xffffffffU) + (sum >> 32U);
  sum = (sum & 0xffffU) + (sum >> 16U);
  const std::uint16_t native = fold_sum(static_cast<std::uint32_t>(sum));
  if constexpr (std::endian::native == std::endian::big) return native;
  return static_cast<std::uint16_t>(native << 8U | native >> 8U);
}

std::uint32_t pseudo_header_sum(ConstBytes octets, const TransportView& view, std::size_t transport_length) {
  const ConstBytes addresses = view.family == Family::kIpv4 ? octets.subspan(kIpv4AddressesAt, 8)
                                                            : octets.subspan(kIpv6AddressesAt, 32);
  return sum_octets(addresses) + static_cast<std::uint32_t>(view.protocol) +
         static_cast<std::uint32_t>(transport_length & 0xffffU);
}

void complete_ipv4_checksum(MutableBytes header) {
  store_u16(header, kIpv4ChecksumAt, 0);
  // Zero is a checksum like any other here, and the one that routers write.
  store_u16(header, kIpv4ChecksumAt, static_cast<std::uint16_t>(~sum_octets(header)));
}

bool is_ipv4_checksum_right(ConstBytes header) {
  return sum_octets(header) == 0xffff;
}

void complete_transport_checksum(MutableBytes octets, const TransportView& view) {
  const MutableBytes transport = octets.subspan(view.transport_at);
  store_u16(octets, view.checksum_at(), 0);
  const std::uint32_t sum = pseudo_header_sum(octets, view, transport.size()) + sum_octets(transport);
  store_u16(octets, view.checksum_at(), checksum_of(sum));
}

ChecksumState transport_checksum_state(ConstBytes octets, const TransportView& view) {
  const bool is_absent = view.protocol == Transport::kUdp && load_u16(octets, view.checksum_at()) == 0;
  if (is_absent) return view.family == Family::kIpv4 ? ChecksumState::kNone : ChecksumState::kWrong;
  const ConstBytes transport = octets.subspan(view.transport_at);
  const std::uint32_t sum = pseudo_header_sum(octets, view, transport.size()) + sum_octets(transport);
  return fold_sum(sum) == 0xffff ? ChecksumState::kRight : ChecksumState::kWrong;
}

}  // namespace isthmus
