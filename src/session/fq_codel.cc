#include "session/fq_codel.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "net/ecn.h"
#include "session/flow_hash.h"

namespace isthmus::session {

namespace {

// RFC 8290 section 4.1: half of the fattest queue's packets go at once, but no more than these.
constexpr std::uint32_t kDropBatch = 64;

// How often room is made for one packet before the packet itself is given up: packets of many flows can pin
// every block as large as a super-packet's.
constexpr int kMaxBatches = 8;

// A flow with less than this is left alone, however long it waits (RFC 8289 section 4.3 spares one packet):
// on a stream of a few Mbit/s the target is less than a packet's own time, and a handful of packets that wait
// for each other's answers is no flow to be slowed down.
constexpr std::uint32_t kSpared = 6 * FqCodel::kQuantum;

}  // namespace

FqCodel::FqCodel(std::uint64_t seed, std::size_t limit)
    : seed_(seed),
      arena_(limit),
      entries_(std::make_unique_for_overwrite<Entry[]>(arena_.cells())),
      flows_(kQueues) {}

void FqCodel::enqueue(Instant now, const Packet& packet) {
  release_lent();
  if (packet.octets.empty()) return;
  CHECK(packet.octets.size() <= kMaxPacket);

  const std::optional<Block> block = make_room(packet.octets.size());
  if (!block) {
    ++counters_.dropped_for_room;
    counters_.dropped_octets += packet.octets.size();
    return;
  }
  std::memcpy(arena_.octets_of(*block).data(), packet.octets.data(), packet.octets.size());
  entries_[*block] = {now, kNone, static_cast<std::uint16_t>(packet.octets.size()), packet.segment_size};

  const auto index = static_cast<std::uint32_t>(flow_hash(seed_, packet.octets) % kQueues);
  Flow& flow = flows_[index];
  if (flow.head == kNone) flow.head = *block;
  if (flow.tail != kNone) entries_[flow.tail].next = *block;
  flow.tail = *block;
  ++flow.packets;
  flow.octets += static_cast<std::uint32_t>(packet.octets.size());
  flow.held[std::to_underlying(arena_.zone_of(*block))] += static_cast<std::uint32_t>(arena_.size_of(*block));
  ++packets_;
  octets_ += packet.octets.size();
  held_ += arena_.size_of(*block);

  if (flow.state != FlowState::kInactive) return;
  flow.state = FlowState::kNew;
  flow.credits = kQuantum;
  append(new_flows_, index);
}

std::optional<FqCodel::Block> FqCodel::make_room(std::size_t octets) {
  std::optional<Block> block = arena_.allocate(octets);
  for (int batch = 0; !block && batch < kMaxBatches && packets_ > 0; ++batch) {
    drop_from_fattest(arena_.zone_for(octets));
    block = arena_.allocate(octets);
  }
  return block;
}

// Memory is what has run out, so the fattest flow is the one that holds most of it, where it has run out. The
// scan of all queues is paid for by the batch: at the limit the fattest one holds 8 KiB at least.
void FqCodel::drop_from_fattest(PacketArena::Zone zone) {
  const auto held = [zone](const Flow& flow) { return flow.held[std::to_underlying(zone)]; };
  Flow& fattest = *std::ranges::max_element(flows_, {}, held);
  const std::uint32_t batch = std::clamp((fattest.packets + 1) / 2, 1U, kDropBatch);
  for (std::uint32_t i = 0; i < batch; ++i) {
    const std::optional<Block> block = take_head(fattest);
    if (!block) return;
    ++counters_.dropped_for_room;
    drop(*block);
  }
}

std::optional<Packet> FqCodel::dequeue(Instant now) {
  release_lent();
  for (;;) {
    const std::uint32_t index = next_flow();
    if (index == kNone) return std::nullopt;

    Flow& flow = flows_[index];
    const std::optional<Block> block = codel_dequeue(flow, now);
    if (!block) {
      retire_empty(index);
      continue;
    }
    const Entry& entry = entries_[*block];
    flow.credits -= entry.size;
    lent_ = block;
    return Packet{arena_.octets_of(*block).first(entry.size), entry.segment_size};
  }
}

// RFC 8290 section 4.2: the head of the new flows, else of the old ones, that has credits; kNone if no flow
// is active. Whoever has none gets a quantum and goes to the end of the old flows.
std::uint32_t FqCodel::next_flow() {
  std::uint32_t visited = 0;
  for (;;) {
    FlowList& list = new_flows_.size != 0 ? new_flows_ : old_flows_;
    if (list.size == 0) return kNone;
    const std::uint32_t index = list.head;
    Flow& flow = flows_[index];
    if (flow.credits > 0) return index;

    flow.credits += kQuantum;
    remove_head(list);
    flow.state = FlowState::kOld;
    append(old_flows_, index);
    if (new_flows_.size != 0 || ++visited <= old_flows_.size) continue;
    grant_rounds();
    visited = 0;
  }
}

// All flows are in debt: a super-packet is worth 43 quanta. As many rounds as the least indebted one needs
// are given at once; the order stays, so the outcome is that of going round so many times.
void FqCodel::grant_rounds() {
  std::int32_t highest = flows_[old_flows_.head].credits;
  for (std::uint32_t i = old_flows_.head; i != kNone; i = flows_[i].next)
    highest = std::max(highest, flows_[i].credits);
  if (highest > 0) return;
  const std::int32_t grant = (-highest / kQuantum + 1) * kQuantum;
  for (std::uint32_t i = old_flows_.head; i != kNone; i = flows_[i].next) flows_[i].credits += grant;
}

// Section 4.2: an empty queue leaves the new flows by way of the old ones, or it could come back as new
// before they had their turn, again and again.
void FqCodel::retire_empty(std::uint32_t index) {
  Flow& flow = flows_[index];
  if (flow.state == FlowState::kOld) {
    remove_head(old_flows_);
    flow.state = FlowState::kInactive;
    return;
  }
  remove_head(new_flows_);
  flow.state = FlowState::kOld;
  append(old_flows_, index);
}

// RFC 8289 section 5.5, with a mark in place of the drop where the flow understands one; then the packet is
// sent.
std::optional<FqCodel::Block> FqCodel::codel_dequeue(Flow& flow, Instant now) {
  std::optional<Block> block = take_head(flow);
  bool ok_to_drop = is_ok_to_drop(flow, block, now);
  if (!flow.codel.is_dropping) {
    if (!ok_to_drop) return block;
    flow.codel.begin_dropping(now);
    if (mark(*block)) return block;
    ++counters_.dropped;
    drop(*block);
    block = take_head(flow);
    is_ok_to_drop(flow, block, now);
    return block;
  }

  flow.codel.is_dropping = ok_to_drop;
  while (flow.codel.is_next_due(now)) {
    flow.codel.dropped_next();
    if (mark(*block)) return block;
    ++counters_.dropped;
    drop(*block);
    block = take_head(flow);
    flow.codel.is_dropping = is_ok_to_drop(flow, block, now);
  }
  return block;
}

bool FqCodel::is_ok_to_drop(Flow& flow, std::optional<Block> block, Instant now) {
  if (!block) {
    flow.codel.went_below();
    return false;
  }
  return flow.codel.is_ok_to_drop(now, now - entries_[*block].arrived, flow.octets <= kSpared);
}

std::optional<FqCodel::Block> FqCodel::take_head(Flow& flow) {
  if (flow.head == kNone) return std::nullopt;
  const Block block = flow.head;
  const Entry& entry = entries_[block];
  flow.head = entry.next;
  if (flow.head == kNone) flow.tail = kNone;
  --flow.packets;
  flow.octets -= entry.size;
  flow.held[std::to_underlying(arena_.zone_of(block))] -= static_cast<std::uint32_t>(arena_.size_of(block));
  --packets_;
  octets_ -= entry.size;
  return block;
}

bool FqCodel::mark(Block block) {
  if (!mark_congestion(arena_.octets_of(block).first(entries_[block].size))) return false;
  ++counters_.marked;
  return true;
}

void FqCodel::drop(Block block) {
  counters_.dropped_octets += entries_[block].size;
  held_ -= arena_.size_of(block);
  arena_.release(block);
}

void FqCodel::release_lent() {
  if (!lent_) return;
  held_ -= arena_.size_of(*lent_);
  arena_.release(*lent_);
  lent_.reset();
}

void FqCodel::clear() {
  release_lent();
  for (Flow& flow : flows_) {
    while (const std::optional<Block> block = take_head(flow)) {
      held_ -= arena_.size_of(*block);
      arena_.release(*block);
    }
    flow = Flow{};
  }
  new_flows_ = {};
  old_flows_ = {};
}

void FqCodel::append(FlowList& list, std::uint32_t flow) {
  flows_[flow].next = kNone;
  if (list.tail != kNone) flows_[list.tail].next = flow;
  if (list.head == kNone) list.head = flow;
  list.tail = flow;
  ++list.size;
}

void FqCodel::remove_head(FlowList& list) {
  list.head = flows_[list.head].next;
  if (list.head == kNone) list.tail = kNone;
  --list.size;
}

}  // namespace isthmus::session
