#include "net/gatherer.h"

#include <algorithm>

namespace isthmus {
namespace {

void give_out_alone(ConstBytes packet, GatherSink& sink) {
  sink.packet({.first = packet, .rest = {}, .segment_size = 0, .size = packet.size(), .view = {}});
}

}  // namespace

Gatherer::Gatherer(Merges merges) : merges_(merges), flows_(kFlows) {}

bool Gatherer::merges(const TransportView& view) const {
  const bool is_udp = view.protocol == Transport::kUdp;
  return merges_ == Merges::kTcpAndUdp || (merges_ == Merges::kTcp && !is_udp);
}

void Gatherer::add(MutableBytes packet, GatherSink& sink) {
  if (merges_ == Merges::kNothing) return give_out_alone(packet, sink);
  const std::optional<TransportView> view = view_transport(packet);
  // It may be a fragment of any of them.
  if (!view) {
    flush(sink);
    return give_out_alone(packet, sink);
  }
  if (!merges(*view)) return give_out_alone(packet, sink);
  const FlowKey key = flow_key_of(packet, *view);
  Flow* flow = find(key);
  const bool is_candidate = may_merge(packet, *view);
  if (is_candidate && flow != nullptr && flow->merged.segments < kMaxSegments &&
      continues(flow->merged, flow->first, packet, *view))
    return append(*flow, packet, sink);

  if (flow != nullptr) give_out(*flow, sink);
  if (!is_candidate) return give_out_alone(packet, sink);
  start(key, *view, packet, sink);
}

void Gatherer::flush(GatherSink& sink) {
  for (std::size_t i = 0; i < in_use_; ++i) give_out(flows_[i], sink);
  in_use_ = 0;
}

Gatherer::Flow* Gatherer::find(const FlowKey& key) {
  for (std::size_t i = 0; i < in_use_; ++i) {
    if (flows_[i].merged.size > 0 && flows_[i].key == key) return &flows_[i];
  }
  return nullptr;
}

void Gatherer::append(Flow& flow, ConstBytes packet, GatherSink& sink) {
  flow.rest[flow.merged.segments - 1] = packet.subspan(flow.merged.view.payload_at);
  if (note_merged(flow.merged, flow.first, packet)) give_out(flow, sink);
}

void Gatherer::give_out(Flow& flow, GatherSink& sink) {
  const Merged merged = flow.merged;
  if (merged.size == 0) return;
  flow.merged.size = 0;
  if (merged.segments == 1) return give_out_alone(flow.first, sink);
  write_lengths(merged, flow.first);
  sink.packet({.first = flow.first,
               .rest = std::span{flow.rest}.first(merged.segments - 1),
               .segment_size = merged.segment_size,
               .size = merged.size,
               .view = merged.view});
}

Gatherer::Flow& Gatherer::room(GatherSink& sink) {
  for (std::size_t i = 0; i < in_use_; ++i) {
    if (flows_[i].merged.size == 0) return flows_[i];
  }
  if (in_use_ < kFlows) return flows_[in_use_++];
  Flow& flow = flows_[next_to_go_];
  next_to_go_ = (next_to_go_ + 1) % kFlows;
  give_out(flow, sink);
  return flow;
}

void Gatherer::start(const FlowKey& key, const TransportView& view, MutableBytes packet, GatherSink& sink) {
  if (ends_train(packet, view)) return give_out_alone(packet, sink);
  Flow& flow = room(sink);
  flow.key = key;
  flow.first = packet;
  flow.merged = {.view = view,
                 .segment_size = static_cast<std::uint16_t>(packet.size() - view.payload_at),
                 .segments = 1,
                 .size = packet.size()};
}

}  // namespace isthmus
