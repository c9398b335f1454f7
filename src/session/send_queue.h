// What a session holds of its packets on their way out.
#pragma once

#include <cstdint>

#include "net/coalescer.h"
#include "session/fq_codel.h"

namespace isthmus::session {

// Packets that came to be sent, by their fate.
struct Traffic {
  std::uint64_t packets_sent = 0, octets_sent = 0;  // a super-packet is one
  std::uint64_t dropped = 0;                        // by the queue, or since the peer takes no such packet
  std::uint64_t marked = 0;                         // with Congestion Experienced
  std::uint64_t waiting = 0;                        // octets in the queue now
};

// Where the packets of a batch are put together before they wait; `now` is the time of the present turn.
struct SendQueue final : PacketSink {
  explicit SendQueue(std::uint64_t seed) : packets(seed) {}
  void packet(const Packet& packet) override { packets.enqueue(now, packet); }

  FqCodel packets;
  Instant now{};
};

}  // namespace isthmus::session
