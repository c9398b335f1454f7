// The streams of an engine: ssh's pipes, and what `attach` handed over.
#include <fmt/format.h>

#include <utility>

#include "app/engine.h"
#include "io/boot_clock.h"

namespace isthmus::app {
namespace {

// LCP begins when the far end is heard. A far end that waits itself (pppd silent) is spoken to after this.
constexpr Duration kSilentPeer = std::chrono::seconds{10};
// What a hung-up leg may take to send its last octets, before its ssh is ended.
constexpr Duration kHangUpPatience = std::chrono::seconds{1};

}  // namespace

Result<void> Engine::add_leg(LegId id, Leg leg, io::UniqueFd in, io::UniqueFd out) {
  StreamHandlers handlers;
  handlers.octets = [this, id](ConstBytes octets) { received(id, octets); };
  handlers.progressed = [this, id] {
    const auto place = legs_.find(id);
    if (place != legs_.end() && place->second.call)
      session_->carrier_progressed(io::boot_now(), *place->second.call);
  };
  handlers.drained = [this] { turn(); };
  handlers.lost = [this, id](const std::string& why) { stream_lost(id, why); };
  leg.stream = TRY(Stream::open(loop_, std::move(in), std::move(out), std::move(handlers)));
  leg.stream->start();
  legs_.emplace(id, std::move(leg));
  return {};
}

void Engine::on(session::Dial&) {
  config::SshDiagnosis why_not;
  Result<MonitorClient::Ssh> ssh = monitor_.dial(why_not);
  diagnosis_.reset();
  if (!ssh) {
    if (!why_not.what.empty()) diagnosis_ = std::move(why_not);
    return session_->dial_failed(io::boot_now(), ssh.error().message);
  }
  log_.info(fmt::format("calling {}", setup_.dial->destination.to_string()));
  SshCall::Handlers handlers;
  handlers.said = [this](const std::string& line) { log_.notice("ssh: " + line); };
  handlers.ended = [this, id = ssh->leg] { ssh_ended(id); };
  Leg leg;
  leg.ssh = std::make_unique<SshCall>(loop_, std::move(ssh->errors), std::move(handlers));
  leg.begin_by = io::boot_now() + kSilentPeer;
  const Result<void> added = add_leg(ssh->leg, std::move(leg), std::move(ssh->output), std::move(ssh->input));
  if (!added) return session_->dial_failed(io::boot_now(), added.error().message);
  if (setup_.progress) sign_at_ = setup_.progress->still_waiting(io::boot_now(), waiting_for_);
}

void Engine::begin_call(LegId id) {
  Leg& leg = legs_.at(id);
  leg.begin_by.reset();
  if (leg.call || leg.is_hung_up || is_over_) return;
  leg.call = session_->add_call(io::boot_now(), leg.direction);
}

void Engine::received(LegId id, ConstBytes octets) {
  class Deliver final : public PacketSink {
   public:
    explicit Deliver(Engine& engine) : engine_(engine) {}
    void packet(const Packet& packet) override {
      const std::optional<PacketView> view = view_packet(packet.octets);
      if (!engine_.tunnel_ || !view || !engine_.selector_.permits_inbound(*view)) {
        ++engine_.state_.dropped;
        return;
      }
      engine_.tunnel_->deliver(packet);
      ++engine_.state_.packets_received;
      engine_.state_.octets_received += packet.octets.size();
    }

   private:
    Engine& engine_;
  };
  const auto place = legs_.find(id);
  if (place == legs_.end() || is_over_) return;
  begin_call(id);
  if (!place->second.call) return;
  Deliver deliver{*this};
  session_->receive(io::boot_now(), *place->second.call, octets, deliver);
  if (tunnel_) tunnel_->flush();
  turn();
}

// Of an ssh that failed the end of the process says why: it is waited for, and then told to the session.
void Engine::stream_lost(LegId id, const std::string& why) {
  const auto place = legs_.find(id);
  if (place == legs_.end()) return;
  Leg& leg = place->second;
  leg.is_stream_lost = true;
  if (leg.is_hung_up) return drop(id);
  log_.notice(fmt::format("the stream is lost: {}", why));
  if (leg.ssh && !leg.ssh->exit_status()) {
    leg.end_by = io::boot_now() + kHangUpPatience;
    return set_timer();
  }
  drop(id);
  turn();
}

void Engine::ssh_ended(LegId id) {
  const auto place = legs_.find(id);
  if (place == legs_.end()) return;
  // Octets it wrote before it ended may still be in the pipe: the stream's own end comes after them.
  if (place->second.is_stream_lost || place->second.is_hung_up) {
    drop(id);
  } else {
    place->second.end_by = io::boot_now() + kHangUpPatience;
  }
  turn();
}

void Engine::diagnose_ssh(Leg& leg) {
  const session::Call* call = leg.call ? session_->find(*leg.call) : nullptr;
  const io::ExitStatus status = leg.ssh->exit_status().value_or(io::ExitStatus{});
  config::SshOutcome outcome;
  outcome.exit_status = status.kind == io::ExitStatus::Kind::kExited ? status.value : 128 + status.value;
  outcome.stderr_text = leg.ssh->stderr_text();
  outcome.text_before_stream = call != nullptr ? call->link().text_before_stream() : std::string_view{};
  outcome.stream_started = call != nullptr && call->link().heard_peer();
  diagnosis_ = config::classify_ssh_failure(outcome, setup_.dial->destination.to_string());
}

// The leg is gone for good: the session hears of it, unless it was the session that hung up.
void Engine::drop(LegId id) {
  const auto place = legs_.find(id);
  if (place == legs_.end()) return;
  Leg leg = std::move(place->second);
  if (leg.ssh && !leg.is_hung_up) diagnose_ssh(leg);
  legs_.erase(place);
  leg.stream->abandon();
  monitor_.end(id);
  const ControlReply reply =
      leg.is_hung_up ? ControlReply{static_cast<int>(exit_code_), exit_text_} : ControlReply{};
  if (leg.front) std::ignore = leg.front->send(encode(reply));
  const Instant now = io::boot_now();
  if (!leg.is_hung_up && !is_over_) {
    if (leg.call) session_->carrier_lost(now, *leg.call);
    if (!leg.call && leg.direction == session::Direction::kOutgoing)
      session_->dial_failed(now, diagnosis_->what);
  }
  if (is_over_ && legs_.empty()) loop_.stop();
}

void Engine::on(session::HangUp& hang_up) {
  for (auto& [id, leg] : legs_) {
    if (leg.call != hang_up.call) continue;
    leg.stream->write(hang_up.last_octets);
    if (!hang_up.is_peers_to_close || leg.direction == session::Direction::kOutgoing) return retire(id);
    leg.is_hung_up = true;
    leg.end_by = io::boot_now() + kHangUpPatience;
    return;
  }
}

// No more from it, and nothing more to it but what is under way.
void Engine::retire(LegId id) {
  Leg& leg = legs_.at(id);
  if (leg.is_hung_up) return;
  leg.is_hung_up = true;
  leg.begin_by.reset();
  leg.end_by = io::boot_now() + kHangUpPatience;
  if (leg.front) {
    std::ignore = leg.front->send(encode(ControlReply{static_cast<int>(exit_code_), exit_text_}));
    leg.front.reset();
  }
  leg.stream->finish();
  if (leg.ssh || !leg.stream->is_closed()) return;
  legs_.erase(id);
  monitor_.end(id);
}

std::optional<LegId> Engine::leg_of(session::CallId call) const {
  for (const auto& [id, leg] : legs_) {
    if (leg.call == call) return id;
  }
  return std::nullopt;
}

OuterPath Engine::outer_of(LegId id, const Leg& leg) {
  return leg.ssh ? OuterPath{monitor_.endpoints(id).outer, {}} : leg.outer;
}

}  // namespace isthmus::app
