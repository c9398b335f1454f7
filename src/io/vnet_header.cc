#include "io/vnet_header.h"

#include <cstring>

#include "base/guard.h"
#include "net/big_endian.h"
#include "net/checksum.h"

namespace isthmus::io {
namespace {

std::uint8_t gso_type_of(const TransportView& view) {
  if (view.protocol == Transport::kUdp) return kGsoUdp;
  return view.family == Family::kIpv4 ? kGsoTcpIpv4 : kGsoTcpIpv6;
}

// The field holds the sum of the pseudo-header already, so it is summed with all the rest.
bool complete_from(const VnetHeader& header, MutableBytes octets) {
  const std::size_t start = header.checksum_start;
  const std::size_t field = start + header.checksum_offset;
  if (!guard<Guard::kChecksumPlace>(start <= octets.size() && field + 2 <= octets.size())) return false;
  const std::uint16_t sum = sum_octets(octets.subspan(start));
  store_u16(octets, field, checksum_of(sum));
  return true;
}

}  // namespace

std::optional<std::uint16_t> accept_packet(const VnetHeader& header, MutableBytes octets) {
  const auto gso_type = static_cast<std::uint8_t>(header.gso_type & ~unsigned{kGsoEcn});
  if (gso_type == kGsoNone) {
    const bool is_complete = (header.flags & kVnetNeedsChecksum) == 0 || complete_from(header, octets);
    return is_complete ? std::optional<std::uint16_t>{0} : std::nullopt;
  }
  const std::optional<TransportView> view = view_transport(octets);
  if (!view || gso_type != gso_type_of(*view) || header.segment_size == 0) return std::nullopt;
  if (octets.size() - view->payload_at <= header.segment_size) {
    complete_transport_checksum(octets, *view);
    return 0;
  }
  if (!check_super_packet(octets, header.segment_size)) return std::nullopt;
  return header.segment_size;
}

std::optional<VnetHeaders> make_vnet_headers(ConstBytes octets, std::uint16_t segment_size) {
  const std::optional<TransportView> view = check_super_packet(octets, segment_size);
  if (!view) return std::nullopt;
  return make_vnet_headers(
      {.headers = octets, .view = *view, .segment_size = segment_size, .size = octets.size()});
}

VnetHeaders make_vnet_headers(const SuperHeaders& super) {
  const TransportView& view = super.view;
  VnetHeaders made{};
  made.vnet = {.flags = kVnetNeedsChecksum,
               .gso_type = gso_type_of(view),
               .header_length = static_cast<std::uint16_t>(view.payload_at),
               .segment_size = super.segment_size,
               .checksum_start = static_cast<std::uint16_t>(view.transport_at),
               .checksum_offset = static_cast<std::uint16_t>(view.checksum_at() - view.transport_at)};
  const MutableBytes headers = MutableBytes{made.headers}.first(view.payload_at);
  std::memcpy(headers.data(), super.headers.data(), headers.size());
  if (view.family == Family::kIpv4) complete_ipv4_checksum(headers.first(view.transport_at));
  // The sum itself, not its complement: the kernel goes on adding to it.
  const std::uint32_t sum = pseudo_header_sum(headers, view, super.size - view.transport_at);
  store_u16(headers, view.checksum_at(), fold_sum(sum));
  return made;
}

}  // namespace isthmus::io
