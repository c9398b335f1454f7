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

// Where packets wait; what is longer than the stream should be given at once is cut before.
class SendQueue final : public PacketSink {
 public:
  explicit SendQueue(std::uint64_t seed) : packets(seed) {}

  // For the packets of the present turn. `longest`: of a super-packet; 0 where there may be none.
  void begin_turn(Instant now, std::size_t longest) {
    now_ = now;
    longest_ = longest;
  }
  void packet(const Packet& packet) override;

  FqCodel packets;
  std::uint64_t malformed = 0;  // super-packets that were none

 private:
  Instant now_{};
  std::size_t longest_ = 0;
  Bytes scratch_;  // a super-packet that is being cut
};

}  // namespace isthmus::session
