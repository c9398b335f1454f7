#include "net/merge_rules.h"

#include <cstring>

#include "net/big_endian.h"
#include "net/checksum.h"
#include "net/header_fields.h"
#include "net/packet.h"
#include "net/segmenter.h"

namespace isthmus {
namespace {

bool is_same(ConstBytes left, ConstBytes right, std::size_t at, std::size_t size) {
  return std::memcmp(left.subspan(at, size).data(), right.subspan(at, size).data(), size) == 0;
}

std::uint8_t tcp_flags(ConstBytes octets, const TransportView& view) {
  return octets[view.transport_at + kTcpFlagsAt];
}

// Of TCP data with nothing to say but itself: ACK, perhaps PSH. FIN, CWR and ECE are rare and travel alone.
bool has_plain_flags(ConstBytes octets, const TransportView& view) {
  return (tcp_flags(octets, view) & ~unsigned{kTcpPsh}) == kTcpAck &&
         load_u16(octets, view.transport_at + kTcpUrgentAt) == 0;
}

// Everything in the IP header but lengths, identification and checksum; the addresses are the key's.
bool has_same_ip_header(ConstBytes first, ConstBytes octets, Family family) {
  if (family == Family::kIpv6) return is_same(first, octets, 0, 4) && is_same(first, octets, 6, 2);
  return is_same(first, octets, 0, 2) && is_same(first, octets, kIpv4FragmentAt, 4);
}

bool counts_up(ConstBytes first, ConstBytes octets, std::size_t segments) {
  if ((load_u16(first, kIpv4FragmentAt) & kIpv4DontFragment) != 0) return true;
  const std::size_t expected = load_u16(first, kIpv4IdentificationAt) + segments;
  return load_u16(octets, kIpv4IdentificationAt) == static_cast<std::uint16_t>(expected);
}

bool has_same_tcp_header(ConstBytes first, ConstBytes octets, const TransportView& view) {
  const std::size_t tcp = view.transport_at;
  const std::size_t options = tcp + kTcpHeader;
  return is_same(first, octets, tcp + kTcpAcknowledgementAt, 5) &&
         is_same(first, octets, tcp + kTcpWindowAt, 2) &&
         is_same(first, octets, options, view.payload_at - options);
}

}  // namespace

FlowKey flow_key_of(ConstBytes octets, const TransportView& view) {
  FlowKey key{.protocol = view.protocol, .family = view.family};
  const bool is_v4 = view.family == Family::kIpv4;
  const ConstBytes addresses = octets.subspan(is_v4 ? kIpv4AddressesAt : kIpv6AddressesAt, is_v4 ? 8 : 32);
  std::memcpy(key.addresses.data(), addresses.data(), addresses.size());
  std::memcpy(key.ports.data(), octets.subspan(view.transport_at, 4).data(), 4);
  return key;
}

// May be the first of a super-packet or a later one of it. The reserved bit of IPv4 (RFC 791 section 3.1) and
// those of TCP beside the offset would be carried along unread, so they must be 0.
bool may_merge(ConstBytes octets, const TransportView& view) {
  if (view.has_options() || octets.size() == view.payload_at) return false;
  if (view.family == Family::kIpv4) {
    const bool is_known = (load_u16(octets, kIpv4FragmentAt) & ~unsigned{kIpv4DontFragment}) == 0;
    if (!is_known || !is_ipv4_checksum_right(octets.first(view.transport_at))) return false;
  }
  if (view.protocol == Transport::kTcp) {
    const bool has_reserved = (octets[view.transport_at + kTcpOffsetAt] & 15U) != 0;
    if (has_reserved || !has_plain_flags(octets, view)) return false;
  }
  return transport_checksum_state(octets, view) == ChecksumState::kRight;
}

bool continues(const Merged& merged, ConstBytes first, ConstBytes octets, const TransportView& view) {
  const std::size_t payload = octets.size() - view.payload_at;
  if (view != merged.view || payload > merged.segment_size || merged.size + payload > kMaxPacket)
    return false;
  if (!has_same_ip_header(first, octets, view.family)) return false;
  if (view.family == Family::kIpv4 && !counts_up(first, octets, merged.segments)) return false;
  if (view.protocol == Transport::kUdp) return merged.segments < kMaxMergedDatagrams;

  const std::size_t sequence_at = view.transport_at + kTcpSequenceAt;
  const auto next =
      static_cast<std::uint32_t>(load_u32(first, sequence_at) + (merged.size - view.payload_at));
  return merged.segment_size >= kMinTcpSegment && load_u32(octets, sequence_at) == next &&
         has_same_tcp_header(first, octets, view);
}

bool ends_train(ConstBytes octets, const TransportView& view) {
  return view.protocol == Transport::kTcp && (tcp_flags(octets, view) & kTcpPsh) != 0;
}

bool note_merged(Merged& merged, MutableBytes first, ConstBytes octets) {
  const TransportView& view = merged.view;
  const std::size_t payload = octets.size() - view.payload_at;
  merged.size += payload;
  ++merged.segments;
  if (view.protocol == Transport::kTcp)
    first[view.transport_at + kTcpFlagsAt] = octets[view.transport_at + kTcpFlagsAt];
  return payload < merged.segment_size || ends_train(octets, view);
}

void write_lengths(const Merged& merged, MutableBytes first) {
  const TransportView& view = merged.view;
  const std::size_t transport = merged.size - view.transport_at;
  const bool is_v4 = view.family == Family::kIpv4;
  store_u16(first, is_v4 ? kIpv4LengthAt : kIpv6LengthAt,
            static_cast<std::uint16_t>(is_v4 ? merged.size : merged.size - kIpv6Header));
  if (view.protocol == Transport::kUdp)
    store_u16(first, view.transport_at + kUdpLengthAt, static_cast<std::uint16_t>(transport));
}

}  // namespace isthmus
