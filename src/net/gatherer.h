// Merges the packets of a batch into super-packets where they lie: what comes out is a list of pieces, for a
// writev. Coalescer, by the same rules, copies.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "net/merge_rules.h"
#include "net/packet.h"

namespace isthmus {

// A packet, or with a `segment_size` a super-packet: `first` is its beginning with all its headers, whose
// checksums then mean nothing; `rest` follows.
struct GatheredPacket {
  ConstBytes first;
  std::span<const ConstBytes> rest;
  std::uint16_t segment_size = 0;
  std::size_t size = 0;  // of all of it
  TransportView view;    // of a super-packet
};

// Receives them as they come. A packet is valid during the call only.
class GatherSink {
 public:
  virtual ~GatherSink() = default;
  virtual void packet(const GatheredPacket& packet) = 0;
};

class Gatherer {
 public:
  // What the receiver of super-packets takes.
  enum class Merges : std::uint8_t { kNothing, kTcp, kTcpAndUdp };

  explicit Gatherer(Merges merges);

  // Takes the next packet of a batch, an ordinary one with all its checksums, as it is. The octets must stay
  // until the next flush(), and their headers may be changed. What the packet completes goes to `sink`, in
  // each flow's order.
  void add(MutableBytes packet, GatherSink& sink);
  // At the end of a batch: gives out everything.
  void flush(GatherSink& sink);

  // Of one super-packet: more than 64 KiB hold at any usual MTU.
  static constexpr std::size_t kMaxSegments = 64;

 private:
  struct Flow {
    FlowKey key;
    Merged merged;  // of size 0 if the flow is free
    MutableBytes first;
    std::array<ConstBytes, kMaxSegments> rest{};
  };

  [[nodiscard]] bool merges(const TransportView& view) const;
  static void give_out(Flow& flow, GatherSink& sink);
  static void append(Flow& flow, ConstBytes packet, GatherSink& sink);
  Flow* find(const FlowKey& key);
  Flow& room(GatherSink& sink);
  void start(const FlowKey& key, const TransportView& view, MutableBytes packet, GatherSink& sink);

  static constexpr std::size_t kFlows = 16;
  Merges merges_;
  std::vector<Flow> flows_;
  std::size_t in_use_ = 0;      // flows with packets, the first ones
  std::size_t next_to_go_ = 0;  // when all are taken: each in turn makes room
};

}  // namespace isthmus
