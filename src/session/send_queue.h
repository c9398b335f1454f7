// What a session holds of its packets on their way out.
#pragma once

#include <cstdint>
#include <optional>

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

// Where packets wait: those of one turn merged where that pays, and none longer than the stream should be
// given at once.
class SendQueue final : private PacketSink {
 public:
  explicit SendQueue(std::uint64_t seed) : packets_(seed) {}

  // `longest`: of a super-packet; 0 where there may be none. The packet may wait for others to be merged
  // with, until end_turn().
  void enqueue(Instant now, const Packet& packet, std::size_t longest);
  void end_turn(Instant now, std::size_t longest);
  // As FqCodel::dequeue().
  std::optional<Packet> dequeue(Instant now) { return packets_.dequeue(now); }
  // Forgets all packets; what is counted stays.
  void clear();

  [[nodiscard]] bool has_packets() const { return packets_.packets() > 0; }
  // Octets that wait, without those of the present turn.
  [[nodiscard]] std::size_t octets() const { return packets_.octets(); }
  // By the queue, for having waited too long or for want of room, or for being no super-packet though it said
  // so.
  [[nodiscard]] std::uint64_t dropped() const;
  [[nodiscard]] std::uint64_t marked() const { return packets_.counters().marked; }

 private:
  // What comes out of the merging.
  void packet(const Packet& packet) override;

  Coalescer merging_;
  FqCodel packets_;
  // Of the present turn.
  Instant now_{};
  std::size_t longest_ = 0;
  Bytes scratch_;  // a super-packet that is being cut
  std::uint64_t malformed_ = 0;
};

}  // namespace isthmus::session
