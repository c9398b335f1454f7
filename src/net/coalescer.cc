#include "net/coalescer.h"

#include <algorithm>
#include <cstring>

namespace isthmus {

Coalescer::Coalescer() : flows_(kFlows) {
  for (Flow& flow : flows_) flow.buffer.resize(kMaxPacket);
}

void Coalescer::add(const Packet& packet, PacketSink& sink) {
  const std::optional<TransportView> view = view_transport(packet.octets);
  // It may be a fragment of any of them.
  if (!view) {
    flush(sink);
    return sink.packet(packet);
  }
  const FlowKey key = flow_key_of(packet.octets, *view);
  Flow* flow = find(key);
  const bool is_candidate = !packet.is_super() && may_merge(packet.octets, *view);
  if (is_candidate && flow != nullptr && continues(flow->merged, flow->buffer, packet.octets, *view))
    return append(*flow, packet.octets, sink);

  if (flow != nullptr) give_out(*flow, sink);
  if (!is_candidate) return sink.packet(packet);
  start(key, *view, packet.octets, sink);
}

void Coalescer::flush(PacketSink& sink) {
  for (Flow& flow : flows_) give_out(flow, sink);
}

Coalescer::Flow* Coalescer::find(const FlowKey& key) {
  const auto found = std::ranges::find_if(
      flows_, [&key](const Flow& flow) { return flow.merged.size > 0 && flow.key == key; });
  return found == flows_.end() ? nullptr : &*found;
}

void Coalescer::append(Flow& flow, ConstBytes octets, PacketSink& sink) {
  const ConstBytes payload = octets.subspan(flow.merged.view.payload_at);
  std::memcpy(flow.buffer.data() + flow.merged.size, payload.data(), payload.size());
  if (note_merged(flow.merged, flow.buffer, octets)) give_out(flow, sink);
}

void Coalescer::give_out(Flow& flow, PacketSink& sink) {
  const Merged merged = flow.merged;
  if (merged.size == 0) return;
  flow.merged.size = 0;
  const MutableBytes octets = MutableBytes{flow.buffer}.first(merged.size);
  if (merged.segments == 1) return sink.packet({.octets = octets});
  write_lengths(merged, octets);
  sink.packet({.octets = octets, .segment_size = merged.segment_size});
}

Coalescer::Flow& Coalescer::room(PacketSink& sink) {
  const auto free = std::ranges::find_if(flows_, [](const Flow& flow) { return flow.merged.size == 0; });
  if (free != flows_.end()) return *free;
  Flow& flow = flows_[next_to_go_];
  next_to_go_ = (next_to_go_ + 1) % kFlows;
  give_out(flow, sink);
  return flow;
}

void Coalescer::start(const FlowKey& key, const TransportView& view, ConstBytes octets, PacketSink& sink) {
  if (ends_train(octets, view)) return sink.packet({.octets = octets});
  Flow& flow = room(sink);
  flow.key = key;
  flow.merged = {.view = view,
                 .segment_size = static_cast<std::uint16_t>(octets.size() - view.payload_at),
                 .segments = 1,
                 .size = octets.size()};
  std::memcpy(flow.buffer.data(), octets.data(), octets.size());
}

}  // namespace isthmus
