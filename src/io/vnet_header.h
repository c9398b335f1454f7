// What Linux says of a packet at a TUN interface, in the ten octets before it: whether its checksum is still
// to be computed, and whether it is a super-packet.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "net/segmenter.h"

namespace isthmus::io {

// struct virtio_net_hdr of linux/virtio_net.h, which C++ cannot include. In the machine's own byte order.
struct VnetHeader {
  std::uint8_t flags = 0;
  std::uint8_t gso_type = 0;
  std::uint16_t header_length = 0;  // of all headers
  std::uint16_t segment_size = 0;
  std::uint16_t checksum_start = 0;   // from here on the checksum covers everything
  std::uint16_t checksum_offset = 0;  // its field, from there
};
static_assert(sizeof(VnetHeader) == 10);

inline constexpr std::uint8_t kVnetNeedsChecksum = 1;
inline constexpr std::uint8_t kGsoNone = 0;
inline constexpr std::uint8_t kGsoTcpIpv4 = 1;
inline constexpr std::uint8_t kGsoTcpIpv6 = 4;
inline constexpr std::uint8_t kGsoUdp = 5;
inline constexpr std::uint8_t kGsoEcn = 0x80;

// Makes a packet of ours of what was read behind `header`: completes the checksum of an ordinary one. The
// segment size of a super-packet, 0 of an ordinary packet; empty if it is neither and must be dropped.
// Nothing that `header` says is trusted beyond `octets`.
std::optional<std::uint16_t> accept_packet(const VnetHeader& header, MutableBytes octets);

// What is to be written before the super-packet's payload.
struct VnetHeaders {
  VnetHeader vnet;
  std::array<std::uint8_t, kMaxSuperHeader>
      headers;  // as Linux wants them; the first vnet.header_length count
};

// Empty if `octets` is no super-packet.
std::optional<VnetHeaders> make_vnet_headers(ConstBytes octets, std::uint16_t segment_size);

// What is known already to be a super-packet, at most kMaxSuperHeader octets of it headers.
struct SuperHeaders {
  ConstBytes headers;  // or more of it
  TransportView view;
  std::uint16_t segment_size = 0;
  std::size_t size = 0;  // of all of it
};
VnetHeaders make_vnet_headers(const SuperHeaders& super);

}  // namespace isthmus::io
