// Merges the packets of a batch into super-packets, as Linux's own receive offload does: cutting the result
// gives back what came in. No packet waits longer than its batch.
#pragma once

#include <cstddef>
#include <vector>

#include "base/bytes.h"
#include "net/merge_rules.h"
#include "net/packet.h"
#include "net/transport_view.h"

namespace isthmus {

class Coalescer {
 public:
  // Allocates all it will ever need, about a MiB.
  Coalescer();

  // Takes the next packet of a batch. What it completes, or cannot merge, goes to `sink`, during the call.
  // The packets of a flow keep their order. A packet is merged only if its checksums are right, and its
  // headers differ from those before it in nothing but what counts up: a merged packet's checksum is computed
  // anew, and would hide what was wrong. The identification of an IPv4 packet that may not be fragmented
  // means nothing (RFC 6864 section 4.1) and is the one thing that cutting may give back changed.
  void add(const Packet& packet, PacketSink& sink);
  // At the end of a batch: gives out everything.
  void flush(PacketSink& sink);

 private:
  // One flow with packets in it; of the first the headers stay as they were until another is merged.
  struct Flow {
    FlowKey key;
    Merged merged;  // of size 0 if the flow is free
    Bytes buffer;
  };

  static void give_out(Flow& flow, PacketSink& sink);
  static void append(Flow& flow, ConstBytes octets, PacketSink& sink);
  Flow* find(const FlowKey& key);
  Flow& room(PacketSink& sink);
  void start(const FlowKey& key, const TransportView& view, ConstBytes octets, PacketSink& sink);

  static constexpr std::size_t kFlows = 16;
  std::vector<Flow> flows_;
  std::size_t next_to_go_ = 0;  // when all are taken: each in turn makes room
};

}  // namespace isthmus
