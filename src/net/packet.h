// What the tunnel carries: IP packets, and super-packets, which stand for a train of them.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace isthmus {

// A view of one. Of an ordinary packet (`segment_size` 0) every checksum is complete. A super-packet is one
// TCP or UDP packet whose payload is that of many: each takes `segment_size` octets of it, the last one the
// rest. Its lengths are right; its IPv4 header checksum and its transport checksum mean nothing.
struct Packet {
  ConstBytes octets;
  std::uint16_t segment_size = 0;

  [[nodiscard]] bool is_super() const { return segment_size != 0; }
};

// The longest either can be: what an IPv4 total length can state.
inline constexpr std::size_t kMaxPacket = 65535;

// Receives packets as they come. A packet is valid during the call only.
class PacketSink {
 public:
  virtual ~PacketSink() = default;
  virtual void packet(const Packet& packet) = 0;
};

}  // namespace isthmus
