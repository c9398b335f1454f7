// The packets of a session on their way out.
#include "session/session.h"

namespace isthmus::session {

void Session::enqueue(Instant now, const Packet& packet) {
  if (!current_ || way_ == Way::kNowhere) {
    ++traffic_.dropped;
    return;
  }
  queue_.enqueue(now, packet, calls_.at(*current_).largest_super_packet());
}

void Session::pump(Instant now, std::size_t room) {
  pump_at_.reset();
  if (!current_) return;
  Call& call = calls_.at(*current_);
  queue_.end_turn(now, call.largest_super_packet());
  const std::uint64_t before = call.link().octets_queued();
  while (call.link().octets_queued() - before < room) {
    if (!call.is_open(now)) {
      if (queue_.has_packets()) pump_at_ = call.opens_at(now);
      return;
    }
    const std::optional<Packet> packet = queue_.dequeue(now);
    if (!packet) break;
    if (!call.send_packet(now, *packet)) {
      ++traffic_.dropped;
      continue;
    }
    ++traffic_.packets_sent;
    traffic_.octets_sent += packet->octets.size();
  }
  call.left_open();
}

Traffic Session::traffic() const {
  Traffic traffic = traffic_;
  traffic.dropped += queue_.dropped();
  traffic.marked = queue_.marked();
  traffic.waiting = queue_.octets();
  return traffic;
}

const StreamWindow* Session::stream() const {
  return current_ ? calls_.at(*current_).meter().window() : nullptr;
}

void Session::take_octets(CallId call, Bytes& out) {
  const auto place = calls_.find(call);
  if (place == calls_.end()) return out.clear();
  place->second.link().take_octets(out);
}

Bytes Session::take_octets(CallId call) {
  Bytes out;
  take_octets(call, out);
  return out;
}

}  // namespace isthmus::session
