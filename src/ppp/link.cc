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
void Link::receive(Instant now, ConstBytes stream, LinkSink& sink) {
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

bool Link::send_packet(Instant now, Family family, ConstBytes packet) {
  return state_->send_packet(now, family, packet);
}
bool Link::send_vsnp(Instant now, ConstBytes head, ConstBytes body) {
  return state_->send_vsnp(now, head, body);
}

bool Link::send_echo(std::uint64_t token) {
  return state_->send_echo(token);
}
std::optional<std::uint64_t> Link::take_echo() {
  return std::exchange(state_->echo, std::nullopt);
}

std::optional<Instant> Link::next_deadline() const {
  return state_->next_deadline();
}
void Link::advance(Instant now) {
  state_->advance(now);
}

void Link::take_octets(Bytes& out) {
  state_->octets_taken += state_->octets.size();
  out.clear();
  std::swap(out, state_->octets);
}
Bytes Link::take_octets() {
  Bytes out;
  take_octets(out);
  return out;
}
std::uint64_t Link::octets_queued() const {
  return state_->octets_taken + state_->octets.size();
}
std::uint64_t Link::octets_received() const {
  return state_->octets_received;
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
