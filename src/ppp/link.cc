#include "ppp/link.h"

#include <utility>

#include "ppp/link_state.h"

namespace isthmus::ppp {

Link::Link(LinkOptions options, RandomSource& random, const AddressPolicy& policy)
    : state_(std::make_unique<State>(std::move(options), random, policy)) {}
Link::~Link() = default;
Link::Link(Link&&) noexcept = default;
Link& Link::operator=(Link&&) noexcept = default;

void Link::carrier_up(Instant now) {
  state_->carrier_up(now);
}
void Link::carrier_down(Instant now) {
  state_->carrier_down(now);
}
void Link::receive(Instant now, ConstBytes stream, PacketSink& sink) {
  state_->receive(now, stream, sink);
}
void Link::open_network(Instant now, NetworkOptions options) {
  state_->open_network(now, std::move(options));
}
void Link::close(Instant now, std::string_view reason) {
  state_->close(now, reason);
}
void Link::renegotiate(Instant now) {
  state_->renegotiate(now);
}
void Link::carrier_progressed(Instant now) {
  state_->carrier_progressed(now);
}

bool Link::send_packet(Instant now, Family family, ConstBytes packet, Bytes& out) {
  return state_->send_packet(now, family, packet, out);
}
bool Link::send_vsnp(Instant now, ConstBytes message) {
  return state_->send_vsnp(now, message);
}

std::optional<Instant> Link::next_deadline() const {
  return state_->next_deadline();
}
void Link::advance(Instant now) {
  state_->advance(now);
}

Bytes Link::take_octets() {
  return std::exchange(state_->octets, {});
}
std::vector<LinkAction> Link::take_actions() {
  return std::exchange(state_->actions, {});
}

const LinkCounters& Link::counters() const {
  return state_->counters;
}
bool Link::heard_peer() const {
  return state_->decoder.counters().good > 0;
}
std::string_view Link::text_before_stream() const {
  return state_->decoder.text_before_stream();
}
void Link::trace_frames(bool on) {
  state_->traces = on;
}

}  // namespace isthmus::ppp
