#include "net/segmenter.h"

#include <algorithm>

#include "base/guard.h"
#include "net/big_endian.h"
#include "net/checksum.h"
#include "net/header_fields.h"

namespace isthmus {
namespace {

bool has_sane_segments(const TransportView& view, std::size_t payload, std::size_t segment_size) {
  if (segment_size == 0 || payload <= segment_size) return false;
  if (view.protocol == Transport::kTcp) return segment_size >= kMinTcpSegment;
  return (payload + segment_size - 1) / segment_size <= kMaxUdpSegments;
}

}  // namespace

std::optional<TransportView> check_super_packet(ConstBytes octets, std::uint16_t segment_size) {
  const std::optional<TransportView> view = view_transport(octets);
  if (!view || !guard<Guard::kSuperHeaders>(view->payload_at <= kMaxSuperHeader)) return std::nullopt;
  const std::size_t payload = octets.size() - view->payload_at;
  if (!guard<Guard::kSegments>(has_sane_segments(*view, payload, segment_size))) return std::nullopt;
  if (view->protocol == Transport::kUdp) return view;

  const std::uint8_t flags = octets[view->transport_at + kTcpFlagsAt];
  const bool is_data = (flags & kTcpAck) != 0 && (flags & (kTcpSyn | kTcpRst | kTcpUrg)) == 0;
  return is_data ? view : std::nullopt;
}

std::optional<Segmenter> Segmenter::begin(ConstBytes super, std::uint16_t segment_size, std::size_t most) {
  const std::optional<TransportView> view = check_super_packet(super, segment_size);
  if (!view) return std::nullopt;
  Segmenter segmenter{super, *view, segment_size};
  const std::size_t room = most > view->payload_at ? most - view->payload_at : 0;
  segmenter.per_piece_ = std::max<std::size_t>(1, room / segment_size) * segment_size;
  // What is whole already may be given out whole, though its last segment is not full.
  if (super.size() <= most) segmenter.per_piece_ = super.size() - view->payload_at;
  return segmenter;
}

Segmenter::Segmenter(ConstBytes super, const TransportView& view, std::uint16_t segment_size)
    : super_(super), view_(view), segment_size_(segment_size) {
  std::memcpy(header_.data(), super.data(), view.payload_at);
  if (view.family == Family::kIpv4) identification_ = load_u16(super, kIpv4IdentificationAt);
  if (view.protocol != Transport::kTcp) return;
  sequence_ = load_u32(super, view.transport_at + kTcpSequenceAt);
  flags_ = super[view.transport_at + kTcpFlagsAt];
}

std::optional<Segmenter::Piece> Segmenter::next() {
  const std::size_t at = view_.payload_at + done_;
  if (at == super_.size()) return std::nullopt;
  const ConstBytes payload = super_.subspan(at, std::min(per_piece_, super_.size() - at));
  const bool is_ordinary = payload.size() <= segment_size_;
  if (view_.protocol == Transport::kTcp) write_tcp(payload.size());
  write_ip(payload.size());
  if (is_ordinary) complete_checksum(payload);
  done_ += payload.size();
  return Piece{ConstBytes{header_}.first(view_.payload_at), payload,
               is_ordinary ? std::uint16_t{0} : segment_size_};
}

void Segmenter::write_ip(std::size_t payload) {
  const MutableBytes header = MutableBytes{header_}.first(view_.payload_at);
  const std::size_t size = header.size() + payload;
  if (view_.protocol == Transport::kUdp) {
    store_u16(header, view_.transport_at + kUdpLengthAt,
              static_cast<std::uint16_t>(size - view_.transport_at));
  }
  if (view_.family == Family::kIpv6)
    return store_u16(header, kIpv6LengthAt, static_cast<std::uint16_t>(size - kIpv6Header));
  store_u16(header, kIpv4LengthAt, static_cast<std::uint16_t>(size));
  const std::size_t segments_before = done_ / segment_size_;
  store_u16(header, kIpv4IdentificationAt, static_cast<std::uint16_t>(identification_ + segments_before));
  complete_ipv4_checksum(header.first(view_.transport_at));
}

void Segmenter::write_tcp(std::size_t payload) {
  const MutableBytes tcp = MutableBytes{header_}.subspan(view_.transport_at);
  store_u32(tcp, kTcpSequenceAt, sequence_ + static_cast<std::uint32_t>(done_));
  const bool is_first = done_ == 0;
  const bool is_last = view_.payload_at + done_ + payload == super_.size();
  unsigned flags = flags_;
  if (!is_first) flags &= ~unsigned{kTcpCwr};
  if (!is_last) flags &= ~unsigned{kTcpFin | kTcpPsh};
  tcp[kTcpFlagsAt] = static_cast<std::uint8_t>(flags);
}

void Segmenter::complete_checksum(ConstBytes payload) {
  const MutableBytes header = MutableBytes{header_}.first(view_.payload_at);
  store_u16(header, view_.checksum_at(), 0);
  const ConstBytes transport = header.subspan(view_.transport_at);
  const std::size_t length = transport.size() + payload.size();
  // Transport headers have even lengths, so the two sums may be added.
  const std::uint32_t sum =
      pseudo_header_sum(header, view_, length) + sum_octets(transport) + sum_octets(payload);
  store_u16(header, view_.checksum_at(), checksum_of(sum));
}

}  // namespace isthmus
