#include "net/coalescer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "net/big_endian.h"
#include "net/checksum.h"
#include "net/header_fields.h"
#include "net/segmenter.h"

namespace isthmus {
namespace {

// What every Linux with UDP segmentation takes at once (UDP_MAX_SEGMENTS; later ones take 128).
constexpr std::size_t kMaxMergedDatagrams = 64;

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

Coalescer::Coalescer() : flows_(kFlows) {
  for (Flow& flow : flows_) flow.buffer.resize(kMaxPacket);
}

void Coalescer::add(const Packet& packet, PacketSink& sink) {
  const std::optional<TransportView> view = view_transport(packet.octets);
  // It may be a fragment of any of them.
  if (!view) {
    flush(sink);
    return sink.packet(packet);
  }
  const Key key = key_of(packet.octets, *view);
  Flow* flow = find(key);
  const bool is_candidate = !packet.is_super() && may_merge(packet.octets, *view);
  if (is_candidate && flow != nullptr && continues(*flow, packet.octets, *view))
    return append(*flow, packet.octets, sink);

  if (flow != nullptr) give_out(*flow, sink);
  if (!is_candidate) return sink.packet(packet);
  start(key, *view, packet.octets, sink);
}

void Coalescer::flush(PacketSink& sink) {
  for (Flow& flow : flows_) give_out(flow, sink);
}

Coalescer::Key Coalescer::key_of(ConstBytes octets, const TransportView& view) {
  Key key{.protocol = view.protocol, .family = view.family};
  const bool is_v4 = view.family == Family::kIpv4;
  const ConstBytes addresses = octets.subspan(is_v4 ? kIpv4AddressesAt : kIpv6AddressesAt, is_v4 ? 8 : 32);
  std::memcpy(key.addresses.data(), addresses.data(), addresses.size());
  std::memcpy(key.ports.data(), octets.subspan(view.transport_at, 4).data(), 4);
  return key;
}

Coalescer::Flow* Coalescer::find(const Key& key) {
  const auto found =
      std::ranges::find_if(flows_, [&key](const Flow& flow) { return flow.size > 0 && flow.key == key; });
  return found == flows_.end() ? nullptr : &*found;
}

// `octets` may merge and is of the flow's key.
bool Coalescer::continues(const Flow& flow, ConstBytes octets, const TransportView& view) {
  const ConstBytes first = ConstBytes{flow.buffer}.first(flow.size);
  const std::size_t payload = octets.size() - view.payload_at;
  if (view != flow.view || payload > flow.segment_size || flow.size + payload > kMaxPacket) return false;
  if (!has_same_ip_header(first, octets, view.family)) return false;
  if (view.family == Family::kIpv4 && !counts_up(first, octets, flow.segments)) return false;
  if (view.protocol == Transport::kUdp) return flow.segments < kMaxMergedDatagrams;

  const std::size_t sequence_at = view.transport_at + kTcpSequenceAt;
  const auto next = static_cast<std::uint32_t>(load_u32(first, sequence_at) + (flow.size - view.payload_at));
  return flow.segment_size >= kMinTcpSegment && load_u32(octets, sequence_at) == next &&
         has_same_tcp_header(first, octets, view);
}

// A short segment, or one with PSH, is the last: what follows it starts another.
void Coalescer::append(Flow& flow, ConstBytes octets, PacketSink& sink) {
  const ConstBytes payload = octets.subspan(flow.view.payload_at);
  std::memcpy(flow.buffer.data() + flow.size, payload.data(), payload.size());
  flow.size += payload.size();
  ++flow.segments;
  bool is_last = payload.size() < flow.segment_size;
  if (flow.view.protocol == Transport::kTcp) {
    const std::uint8_t flags = tcp_flags(octets, flow.view);
    flow.buffer[flow.view.transport_at + kTcpFlagsAt] = flags;
    is_last = is_last || (flags & kTcpPsh) != 0;
  }
  if (is_last) give_out(flow, sink);
}

void Coalescer::give_out(Flow& flow, PacketSink& sink) {
  if (flow.size == 0) return;
  const MutableBytes octets = MutableBytes{flow.buffer}.first(std::exchange(flow.size, 0));
  if (flow.segments == 1) return sink.packet({.octets = octets});
  const std::size_t transport = octets.size() - flow.view.transport_at;
  const bool is_v4 = flow.view.family == Family::kIpv4;
  store_u16(octets, is_v4 ? kIpv4LengthAt : kIpv6LengthAt,
            static_cast<std::uint16_t>(is_v4 ? octets.size() : transport));
  if (flow.view.protocol == Transport::kUdp)
    store_u16(octets, flow.view.transport_at + kUdpLengthAt, static_cast<std::uint16_t>(transport));
  sink.packet({.octets = octets, .segment_size = flow.segment_size});
}

Coalescer::Flow& Coalescer::room(PacketSink& sink) {
  const auto free = std::ranges::find(flows_, std::size_t{0}, &Flow::size);
  if (free != flows_.end()) return *free;
  Flow& flow = flows_[next_to_go_];
  next_to_go_ = (next_to_go_ + 1) % kFlows;
  give_out(flow, sink);
  return flow;
}

void Coalescer::start(const Key& key, const TransportView& view, ConstBytes octets, PacketSink& sink) {
  // With PSH nothing may follow it.
  const bool is_alone = view.protocol == Transport::kTcp && (tcp_flags(octets, view) & kTcpPsh) != 0;
  if (is_alone) return sink.packet({.octets = octets});
  Flow& flow = room(sink);
  flow.key = key;
  flow.view = view;
  flow.segment_size = static_cast<std::uint16_t>(octets.size() - view.payload_at);
  flow.segments = 1;
  flow.size = octets.size();
  std::memcpy(flow.buffer.data(), octets.data(), octets.size());
}

}  // namespace isthmus
