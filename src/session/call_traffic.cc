// The packets of a call, and what is known of their way.
#include "net/packet_view.h"
#include "ppp/vsncp.h"
#include "session/call.h"
#include "session/stream_message.h"

namespace isthmus::session {

// What passes from the link to the session without becoming an action: packets, and the messages that go with
// them.
class Call::Inbound final : public ppp::LinkSink {
 public:
  Inbound(Call& call, Instant now, PacketSink& sink) : call_(call), now_(now), sink_(sink) {}

  void packet(Family, ConstBytes octets) override {
    call_.meter_.packet_received(now_, octets.size());
    sink_.packet({octets});
  }

  bool vsnp(ConstBytes message, std::uint64_t position) override {
    if (const auto report = parse_receive_report(message)) {
      call_.meter_.hear(now_, *report, position);
      return true;
    }
    const std::optional<Packet> packet = parse_super_packet(message);
    if (!packet) return false;
    call_.meter_.packet_received(now_, message.size());
    if (call_.has(ppp::kSuperPackets) && call_.carries(family_of(packet->octets))) sink_.packet(*packet);
    return true;
  }

 private:
  Call& call_;
  Instant now_;
  PacketSink& sink_;
};

void Call::receive(Instant now, ConstBytes stream, PacketSink& sink) {
  Inbound inbound{*this, now, sink};
  link_.receive(now, stream, inbound);
  follow_link(now);
  hear_echo(now);
  report_if_due(now);
}

// Whether the network protocol of these packets is up.
bool Call::carries(std::optional<Family> family) const {
  return (family == Family::kIpv4 && agreement_.ipv4) || (family == Family::kIpv6 && agreement_.ipv6);
}

bool Call::send_packet(Instant now, const Packet& packet) {
  const std::optional<Family> family = family_of(packet.octets);
  if (!carries(family) || (packet.is_super() && !has(ppp::kSuperPackets))) return false;
  const bool is_sent = packet.is_super()
                           ? link_.send_vsnp(now, super_packet_header(packet.segment_size), packet.octets)
                           : link_.send_packet(now, *family, packet.octets);
  meter_.queued(now, link_.octets_queued());
  ask_if_due(now);
  return is_sent;
}

// A plain PPP peer reports nothing, but answers echoes in their order.
void Call::measure_by_echo() {
  measures_by_echo_ = true;
  asked_at_ = answered_at_ = link_.octets_queued();
  meter_.begin(asked_at_);
}

// While echoes measure, four are under way in a window. One that reports are to keep open, and do not, is
// asked for by an echo after a while: a report may have been for nothing, or the peer has forgotten itself.
void Call::ask_if_due(Instant now) {
  if (meter_.window() == nullptr) return;
  const std::uint64_t queued = link_.octets_queued();
  const bool is_unasked = queued - asked_at_ >= meter_.window()->limit() / 4;
  if (measures_by_echo_ && is_unasked) ask(now);
  if (!measures_by_echo_ && meter_.room() == 0 && !echo_patience_) echo_patience_ = now + kEchoPatience;
}

void Call::ask(Instant now) {
  const std::uint64_t queued = link_.octets_queued();
  if (!link_.send_echo(queued)) return stop_measuring();
  asked_at_ = queued;
  meter_.queued(now, link_.octets_queued());
  if (!echo_patience_) echo_patience_ = now + kEchoPatience;
}

void Call::hear_echo(Instant now) {
  const std::optional<std::uint64_t> token = link_.take_echo();
  if (!token || *token <= answered_at_ || *token > asked_at_) return;
  answered_at_ = *token;
  echo_patience_.reset();
  meter_.arrived(now, *token);
  // It answers after all: a machine that had slept, or a stream that had stalled.
  if (meter_.window() == nullptr && agreed_) return measure_by_echo();
  if (measures_by_echo_ && asked_at_ > answered_at_) echo_patience_ = now + kEchoPatience;
  ask_if_due(now);
}

void Call::lose_patience(Instant now) {
  echo_patience_.reset();
  if (measures_by_echo_) return stop_measuring();
  if (meter_.room() == 0) ask(now);
}

void Call::stop_measuring() {
  measures_by_echo_ = false;
  echo_patience_.reset();
  meter_.stop();
}

std::size_t Call::largest_super_packet() const {
  return has(ppp::kSuperPackets) ? meter_.largest_packet() : 0;
}

void Call::report_if_due(Instant now) {
  if (!has(ppp::kReceiveReports) || !meter_.is_report_due(now)) return;
  const ReceiveReport report = meter_.report(now, link_.octets_queued(), link_.octets_received());
  link_.send_vsnp(now, encode(report));
}

}  // namespace isthmus::session
