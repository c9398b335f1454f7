// The queue before a slow stream: FQ-CoDel (RFC 8290), which keeps flows from waiting behind one another.
#pragma once

#include <optional>
#include <vector>

#include "base/time.h"
#include "net/codel.h"
#include "net/packet.h"
#include "session/packet_arena.h"

namespace isthmus::session {

// What became of the packets that were not simply passed on.
struct FqCodelCounters {
  std::uint64_t marked = 0;            // with Congestion Experienced (RFC 3168)
  std::uint64_t dropped = 0;           // by CoDel: they had waited too long
  std::uint64_t dropped_for_room = 0;  // from the flow that held most, when the memory was full
  std::uint64_t dropped_octets = 0;    // of both kinds
};

// Packets of ECN-capable flows are marked where others are dropped, super-packets like packets. Octets are
// what is shared fairly: a super-packet pays for all of its own. Holds kLimit octets of memory for packets,
// each counted as its block (a power of two, 256 at least), and never asks the heap for more.
class FqCodel {
 public:
  static constexpr std::size_t kQueues = 1024;
  static constexpr std::size_t kLimit = 8 * 1024 * 1024;
  static constexpr std::int32_t kQuantum = 1514;

  // `seed` is random, so that nobody can aim at another's queue; `limit` at least 64 KiB.
  explicit FqCodel(std::uint64_t seed, std::size_t limit = kLimit);

  // Takes a copy of `packet`, of at most kMaxPacket octets. Others may be dropped for it, or it for others.
  void enqueue(Instant now, const Packet& packet);

  // The next packet to send, empty if there is none. Valid until any other call but the getters.
  std::optional<Packet> dequeue(Instant now);

  // Forgets all packets; the counters stay.
  void clear();

  [[nodiscard]] bool is_empty() const { return packets_ == 0; }
  [[nodiscard]] std::size_t packets() const { return packets_; }
  [[nodiscard]] std::size_t octets() const { return octets_; }
  // Of memory, the unused ends of blocks included: never more than the limit.
  [[nodiscard]] std::size_t held() const { return held_; }
  [[nodiscard]] const FqCodelCounters& counters() const { return counters_; }

 private:
  using Block = PacketArena::Block;
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  // What is known of a queued packet; found by its block.
  struct Entry {
    Instant arrived;
    Block next;
    std::uint16_t size;
    std::uint16_t segment_size;
  };

  enum class FlowState : std::uint8_t { kInactive, kNew, kOld };

  struct Flow {
    Codel codel;
    Block head = kNone;
    Block tail = kNone;
    std::uint32_t next = kNone;  // in the list of its state
    std::int32_t credits = 0;
    std::uint32_t packets = 0;
    std::uint32_t octets = 0;
    std::array<std::uint32_t, 2> held{};  // by zone
    FlowState state = FlowState::kInactive;
  };

  struct FlowList {
    std::uint32_t head = kNone;
    std::uint32_t tail = kNone;
    std::uint32_t size = 0;
  };

  std::optional<Block> make_room(std::size_t octets);
  void drop_from_fattest(PacketArena::Zone zone);
  void append(FlowList& list, std::uint32_t flow);
  void remove_head(FlowList& list);
  std::uint32_t next_flow();
  void grant_rounds();
  void retire_empty(std::uint32_t flow);
  std::optional<Block> codel_dequeue(Flow& flow, Instant now);
  bool mark(Block block);
  void drop(Block block);
  std::optional<Block> take_head(Flow& flow);
  bool is_ok_to_drop(Flow& flow, std::optional<Block> block, Instant now);
  void release_lent();

  std::uint64_t seed_;
  PacketArena arena_;
  std::unique_ptr<Entry[]> entries_;
  std::vector<Flow> flows_;
  FlowList new_flows_;
  FlowList old_flows_;
  std::optional<Block> lent_;  // what dequeue() returned last
  std::size_t packets_ = 0;
  std::size_t octets_ = 0;
  std::size_t held_ = 0;
  FqCodelCounters counters_;
};

}  // namespace isthmus::session
