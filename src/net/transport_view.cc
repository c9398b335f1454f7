#include "net/transport_view.h"

#include "net/big_endian.h"
#include "net/header_fields.h"
#include "net/packet.h"
#include "net/packet_view.h"

namespace isthmus {
namespace {

// RFC 8200 section 4.1 knows four that may stand before a transport header and are no fragment header:
// hop-by-hop, destination, routing, destination.
constexpr int kMaxExtensionHeaders = 4;
constexpr std::uint8_t kHopByHop = 0;
constexpr std::uint8_t kRouting = 43;
constexpr std::uint8_t kDestinationOptions = 60;

struct Upper {
  std::uint8_t protocol = 0;
  std::size_t at = 0;
};

std::optional<Upper> upper_of_ipv4(ConstBytes octets) {
  if (octets.size() < kIpv4Header) return std::nullopt;
  const std::size_t header = 4U * (octets[0] & 15U);
  if (header < kIpv4Header || header > octets.size()) return std::nullopt;
  if (load_u16(octets, kIpv4LengthAt) != octets.size()) return std::nullopt;
  const bool is_fragment = (load_u16(octets, kIpv4FragmentAt) & kIpv4FragmentMask) != 0;
  if (is_fragment) return std::nullopt;
  return Upper{octets[kIpv4ProtocolAt], header};
}

// The octets of the extension header at `at`; 0 if it is none that may be passed over.
std::size_t extension_length(ConstBytes octets, const Upper& upper) {
  const bool is_first = upper.at == kIpv6Header;
  const bool is_known = upper.protocol == kRouting || upper.protocol == kDestinationOptions ||
                        (upper.protocol == kHopByHop && is_first);
  if (!is_known || octets.size() - upper.at < 8) return 0;
  const bool has_segments_left = upper.protocol == kRouting && octets[upper.at + 3] != 0;
  if (has_segments_left) return 0;
  const std::size_t length = 8U * (octets[upper.at + 1] + 1U);
  return length <= octets.size() - upper.at ? length : 0;
}

std::optional<Upper> upper_of_ipv6(ConstBytes octets) {
  if (octets.size() < kIpv6Header) return std::nullopt;
  if (load_u16(octets, kIpv6LengthAt) + kIpv6Header != octets.size()) return std::nullopt;
  Upper upper{octets[kIpv6NextHeaderAt], kIpv6Header};
  for (int count = 0; count < kMaxExtensionHeaders; ++count) {
    const std::size_t length = extension_length(octets, upper);
    if (length == 0) break;
    upper = {octets[upper.at], upper.at + length};
  }
  return upper;
}

// 0 if there is no whole header.
std::size_t transport_header_length(ConstBytes transport, std::uint8_t protocol) {
  if (protocol == static_cast<std::uint8_t>(Transport::kUdp)) {
    return transport.size() >= kUdpHeader && load_u16(transport, kUdpLengthAt) == transport.size()
               ? kUdpHeader
               : 0;
  }
  if (protocol != static_cast<std::uint8_t>(Transport::kTcp) || transport.size() < kTcpHeader) return 0;
  const std::size_t length = 4U * (transport[kTcpOffsetAt] >> 4U);
  return length >= kTcpHeader && length <= transport.size() ? length : 0;
}

}  // namespace

std::optional<TransportView> view_transport(ConstBytes octets) {
  const std::optional<Family> family = family_of(octets);
  if (!family || octets.size() > kMaxPacket) return std::nullopt;
  const auto upper = *family == Family::kIpv4 ? upper_of_ipv4(octets) : upper_of_ipv6(octets);
  if (!upper) return std::nullopt;
  const std::size_t header = transport_header_length(octets.subspan(upper->at), upper->protocol);
  if (header == 0) return std::nullopt;
  return TransportView{*family, static_cast<Transport>(upper->protocol), upper->at, upper->at + header};
}

}  // namespace isthmus
