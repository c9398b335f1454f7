#include "session/session.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/earlier.h"
#include "ppp/vsncp.h"

namespace isthmus::session {
namespace {

constexpr ppp::LinkNote::Level kNotice = ppp::LinkNote::Level::kNotice;

bool is_due(const std::optional<Instant>& deadline, Instant now) {
  return deadline && now >= *deadline;
}

// Plain PPP peers do not say who they are: of those whoever was let in under the session's name is its peer.
bool are_of_one_pair(const Agreement& one, const Agreement& other) {
  return !one.peer || !other.peer || one.peer->host == other.peer->host;
}

bool are_of_one_process(const Agreement& one, const Agreement& other) {
  return one.peer && other.peer && one.peer->node == other.peer->node;
}

bool only_asks(const Call& call) {
  return call.agreement().peer && call.agreement().peer->plan_only;
}

std::uint64_t seed(RandomSource& random) {
  std::uint64_t number = 0;
  random.fill({reinterpret_cast<std::uint8_t*>(&number), sizeof number});
  return number;
}

constexpr const char* kAnotherMachine = "another machine holds the session of this name";

SessionOptions with_capabilities(SessionOptions options) {
  options.link.vsncp_capabilities = ppp::kSuperPackets | ppp::kReceiveReports;
  if (options.takes_datagrams) options.link.vsncp_capabilities |= ppp::kDatagrams;
  return options;
}

}  // namespace

Session::Session(SessionOptions options, RandomSource& random, const ppp::AddressPolicy& policy)
    : options_(with_capabilities(std::move(options))),
      random_(&random),
      policy_(&policy),
      backoff_(random),
      queue_(seed(random)) {}

void Session::begin(Instant now) {
  phase_ = Phase::kCalling;
  backoff_.restart(now);
  if (options_.dials) dial_at_ = now;
  advance(now);
}

CallId Session::add_call(Instant now, Direction direction) {
  if (direction == Direction::kOutgoing) dialing_ = false;
  const CallId id{next_call_++};
  const auto [place, added] =
      calls_.try_emplace(id, id, direction, options_.link, options_.identity, *random_, *policy_);
  CHECK(added);
  place->second.link().trace_frames(tracing_);
  place->second.start(now);
  follow(now, id);
  return id;
}

void Session::dial_failed(Instant now, std::string reason) {
  dialing_ = false;
  if (phase_ == Phase::kClosing || phase_ == Phase::kEnded) return;
  if (!ever_up_ && calls_.empty()) return end(EndReason::kDialFailed, std::move(reason));
  if (current_) return;
  dial_at_ = backoff_.after_failure(now);
  actions_.emplace_back(Said{ppp::LinkNote::Level::kWarning, "the call has failed: " + reason});
}

void Session::receive(Instant now, CallId call, ConstBytes stream, PacketSink& sink) {
  class Dropped final : public PacketSink {
    void packet(const Packet&) override {}
  } dropped;
  const auto place = calls_.find(call);
  if (place == calls_.end()) return;
  // A call that lost to another may still have packets on the way: they take the surviving one.
  place->second.receive(now, stream, current_ == call ? sink : dropped);
  follow(now, call);
}

void Session::carrier_lost(Instant now, CallId call) {
  const auto place = calls_.find(call);
  if (place == calls_.end()) return;
  place->second.carrier_lost(now);
  follow(now, call);
}

void Session::carrier_progressed(Instant now, CallId call) {
  const auto place = calls_.find(call);
  if (place != calls_.end()) place->second.link().carrier_progressed(now);
}

void Session::settle(Instant now, CallId call, Settlement settlement) {
  const auto place = calls_.find(call);
  if (place == calls_.end()) return;
  if (!settlement.plan.empty()) {
    const std::size_t most = place->second.agreement().mtu;
    for (const PlanReport& report : plan_reports(settlement.plan, most)) place->second.send(now, report);
  }
  place->second.settle(now, std::move(settlement));
  follow(now, call);
}

// Not faster than a dial a second, however often routes change.
void Session::network_changed(Instant now) {
  if (!dial_at_) return;
  backoff_.restart(now);
  dial_at_ = std::min(*dial_at_, std::max(now, dialled_at_ + Backoff::kFirst));
}

void Session::close(Instant now, const Bye& bye) {
  if (phase_ == Phase::kClosing || phase_ == Phase::kEnded) return;
  phase_ = Phase::kClosing;
  dial_at_.reset();
  hold_until_.reset();
  proof_by_.reset();
  close_by_ = now + kClosePatience;
  std::vector<CallId> open;
  for (const auto& [id, call] : calls_) open.push_back(id);
  for (const CallId id : open) {
    calls_.at(id).hang_up(now, bye);
    follow(now, id);
  }
  if (calls_.empty()) end(EndReason::kUndoneByUs, "");  // the words of `bye` are for the far end
}

std::optional<Instant> Session::next_deadline() const {
  std::optional<Instant> best;
  for (const auto& deadline : {dial_at_, hold_until_, close_by_, proof_by_, agree_by_, pump_at_})
    best = earlier(best, deadline);
  for (const auto& [id, call] : calls_) best = earlier(best, call.next_deadline());
  if (datagrams_) best = earlier(best, datagrams_->next_deadline());
  return best;
}

void Session::advance(Instant now) {
  std::vector<CallId> open;
  for (const auto& [id, call] : calls_) open.push_back(id);
  for (const CallId id : open) {
    const auto place = calls_.find(id);
    if (place == calls_.end()) continue;
    place->second.advance(now);
    follow(now, id);
  }
  if (is_due(close_by_, now))
    return end(EndReason::kUndoneByUs, "the far end did not answer the Terminate-Request");
  if (is_due(hold_until_, now)) return end(EndReason::kHoldExpired, "the far end did not come back in time");
  if (is_due(proof_by_, now)) finish_proof();
  if (is_due(pump_at_, now)) pump_at_.reset();  // the carrier pumps after each turn
  if (datagrams_ && is_due(datagrams_->next_deadline(), now)) {
    datagrams_->advance(now, path_counts_);
    follow_datagrams(now);
  }
  if (is_due(agree_by_, now)) lose_current(now, "the far end negotiates anew");
  if (!is_due(dial_at_, now)) return;
  dial_at_.reset();
  if (current_ || outgoing_in_progress()) return;
  dialing_ = true;
  dialled_at_ = now;
  actions_.emplace_back(Dial{});
}

std::optional<CallId> Session::current() const {
  return current_;
}

std::vector<SessionAction> Session::take_actions() {
  return std::exchange(actions_, {});
}

const Call* Session::find(CallId call) const {
  const auto place = calls_.find(call);
  return place == calls_.end() ? nullptr : &place->second;
}

const Agreement* Session::agreement() const {
  return current_ || phase_ == Phase::kUp ? &established_ : nullptr;
}

void Session::trace_frames(bool on) {
  tracing_ = on;
  for (auto& [id, call] : calls_) call.link().trace_frames(on);
}

void Session::follow(Instant now, CallId id) {
  const auto place = calls_.find(id);
  if (place == calls_.end()) return;
  std::vector<CallEvent> events = place->second.take_events();
  // A call that ends disagrees first; its end says why.
  const auto is_end = [](const CallEvent& event) { return std::holds_alternative<CallEnded>(event); };
  if (std::ranges::any_of(events, is_end))
    std::erase_if(events, [](const CallEvent& event) { return std::holds_alternative<Disagreed>(event); });
  for (CallEvent& event : events) {
    const bool is_last = is_end(event);
    std::visit([&](auto& what) { on(now, place->second, what); }, event);
    if (is_last) break;
  }
  if (phase_ == Phase::kClosing && calls_.empty()) end(EndReason::kUndoneByUs, "");
}

// A call of another machine beside the one that stands is refused before it is judged, for that would change
// the policy that stands. A plan is told beside it anyway.
void Session::on(Instant now, Call& call, PeerHeard& heard) {
  // Of a call that stood beside the one whose end was the session's.
  if (phase_ == Phase::kClosing || phase_ == Phase::kEnded) return;
  const bool is_beside = current_ != call.id() && (current_ || phase_ == Phase::kUp);
  if (is_beside && !only_asks(call) && !are_of_one_pair(call.agreement(), established_))
    return call.hang_up(now, {Bye::Reason::kRefused, kAnotherMachine});
  actions_.emplace_back(Judge{call.id(), std::move(heard.hello)});
}

void Session::on(Instant now, Call& call, Agreed&) {
  if (phase_ == Phase::kClosing || phase_ == Phase::kEnded) return;
  if (!call.is_agreed()) return;  // what it agreed on was gone again within the same read
  if (!only_asks(call) && !call.agreement().ipv4 && !call.agreement().ipv6) {
    return call.hang_up(
        now, {Bye::Reason::kRefused, "no addresses were agreed on: --address LOCAL:REMOTE names them"});
  }
  const bool stands = phase_ == Phase::kUp || phase_ == Phase::kHeld;
  if (stands && current_ != call.id() && only_asks(call)) return;  // a plan is told beside the session
  // By a stream, or by datagrams alone.
  const bool is_beside = phase_ == Phase::kUp && current_ != call.id();
  if (is_beside && !are_of_one_pair(call.agreement(), established_))
    return call.hang_up(now, {Bye::Reason::kRefused, kAnotherMachine});
  if (is_beside && current_) {
    Call& rival = calls_.at(*current_);
    if (survivor(call, rival) == &rival) return leave(now, call);
    leave(now, rival);
  }
  if (current_ == call.id() && call.agreement() == established_) {
    agree_by_.reset();
    return hear_early(now);
  }
  establish(now, call);
}

void Session::on(Instant now, Call& call, Disagreed&) {
  // The machine stays as it is: no packet passes meanwhile, and mostly the same is agreed again at once.
  if (current_ == call.id()) agree_by_ = now + kRenegotiationPatience;
}

void Session::on(Instant now, Call& call, Heard& heard) {
  if (auto* plan = std::get_if<PlanReport>(&heard.message)) return hear(std::move(*plan));
  if (current_ != call.id()) return;
  if (const auto* ready = std::get_if<Ready>(&heard.message)) hear(now, *ready);
  if (auto* report = std::get_if<ProofReport>(&heard.message)) hear(now, std::move(*report));
}

void Session::forget(Instant now, CallId id, const CallEnded& ended) {
  Call& call = calls_.at(id);
  const bool is_peers_to_close = call.is_plain() && ended.end == ppp::LinkEnd::kTerminatedByPeer;
  // Of those who call us: whoever only asks has no say in a session that stands, nor has another machine, or
  // one that has not said who it is, in one that datagrams carry.
  const bool is_known = call.agreement().peer && are_of_one_pair(call.agreement(), established_);
  const bool is_of_no_say =
      phase_ == Phase::kUp ? only_asks(call) || !is_known : phase_ == Phase::kHeld && only_asks(call);
  const bool was_aside = current_ != id && call.direction() == Direction::kIncoming && is_of_no_say;
  actions_.emplace_back(HangUp{id, call.link().take_octets(), is_peers_to_close});
  calls_.erase(id);
  std::erase_if(early_, [id](const auto& one) { return one.first == id; });
  if (current_ == id) lose_current(now, ended.reason);
  if (phase_ == Phase::kClosing || phase_ == Phase::kEnded || current_ || was_aside) return;
  after_loss(now, ended);
}

void Session::on(Instant now, Call& call, CallEnded& ended) {
  forget(now, call.id(), ended);
}

void Session::on(Instant, Call&, ppp::LinkNote& note) {
  actions_.emplace_back(Said{note.level, std::move(note.text)});
}

void Session::on(Instant, Call&, ppp::FrameTrace& trace) {
  actions_.emplace_back(std::move(trace));
}

// Nothing carries the session any more. A Bye or a Terminate means that the peer wants it so; anything else
// is an accident, after which a session that stood is held and, by the end that dials, called again.
void Session::after_loss(Instant now, const CallEnded& ended) {
  const bool superseded = ended.bye && ended.bye->reason == Bye::Reason::kSuperseded;
  if (ended.bye && !superseded) {
    if (ended.bye->reason == Bye::Reason::kRefused) return end(EndReason::kRefusedByPeer, ended.bye->text);
    if (ended.bye->reason == Bye::Reason::kFailed) return end(EndReason::kMachineRefused, ended.bye->text);
    return end(EndReason::kUndoneByPeer, ended.bye->text);
  }
  if (superseded) {
    if (!options_.dials)
      return end(EndReason::kUndoneByPeer, "another call of the same pair carries the session");
    dial_at_ = now + kFollowPatience;
    return;
  }
  if (ended.end == ppp::LinkEnd::kTerminatedByPeer) return end(EndReason::kUndoneByPeer, ended.reason);
  if (ended.end == ppp::LinkEnd::kClosedByUs && !ever_up_) return end(EndReason::kRefusedByUs, ended.reason);
  if (ended.end == ppp::LinkEnd::kRefused) return end(EndReason::kAddressRefused, ended.reason);
  if (!calls_.empty()) return;  // another call is on its way
  if (!ever_up_) return end(EndReason::kDialFailed, ended.reason);
  if (options_.dials && !outgoing_in_progress()) dial_at_ = backoff_.after_failure(now);
}

void Session::establish(Instant now, Call& call) {
  // Another process, be it of the same machine, has none of their keys.
  if (datagrams_ && !(call.takes_datagrams() && are_of_one_process(call.agreement(), established_)))
    drop_datagrams(now);
  current_ = call.id();
  established_ = call.agreement();
  agree_by_.reset();
  phase_ = Phase::kUp;
  ever_up_ = true;
  hold_until_.reset();
  dial_at_.reset();
  routes_ready_ = false;
  theirs_ready_.reset();
  our_report_.reset();
  their_report_.reset();
  proof_by_.reset();
  backoff_.restart(now);
  if (options_.identity.plan_only) return tell_plan();
  actions_.emplace_back(Establish{call.id(), established_});
}

// Which of two agreed calls of the same pair stays. Both ends come to the same answer: of two calls in the
// same direction the newer, since its maker has given the older up; of two in opposite directions the one
// whose caller has the lower node id.
Call* Session::survivor(Call& one, Call& other) const {
  Call& newer = one.id() > other.id() ? one : other;
  if (one.direction() == other.direction()) return &newer;
  Call& outgoing = one.direction() == Direction::kOutgoing ? one : other;
  Call& incoming = one.direction() == Direction::kOutgoing ? other : one;
  if (!incoming.agreement().peer) return &newer;
  return options_.identity.node < incoming.agreement().peer->node ? &outgoing : &incoming;
}

void Session::leave(Instant now, Call& loser) {
  const bool dialed = loser.direction() == Direction::kOutgoing;
  actions_.emplace_back(Said{kNotice, dialed ? "both ends dialled: the far end's call stays, ours is hung up"
                                             : "another call of the same pair stays, this one is hung up"});
  if (current_ == loser.id()) {
    current_.reset();
    take_stream_from_datagrams(now);
  }
  loser.hang_up(now, {Bye::Reason::kSuperseded, "another call of this pair carries the session"});
}

void Session::lose_current(Instant now, const std::string& reason) {
  current_.reset();
  queue_.clear();  // when the next call stands they are stale, and TCP has sent them again
  proof_by_.reset();
  agree_by_.reset();
  take_stream_from_datagrams(now);
  if (phase_ == Phase::kClosing || phase_ == Phase::kEnded) return;
  backoff_.restart(now);
  if (way_ != Way::kDatagrams) return suspend(now, reason);
  actions_.emplace_back(Said{kNotice, "the stream is lost, datagrams go on: " + reason});
}

void Session::suspend(Instant now, const std::string& reason) {
  phase_ = Phase::kHeld;
  if (options_.hold) hold_until_ = now + *options_.hold;
  actions_.emplace_back(Suspend{reason});
}

void Session::end(EndReason reason, std::string text) {
  if (phase_ == Phase::kEnded) return;
  phase_ = Phase::kEnded;
  dial_at_.reset();
  hold_until_.reset();
  close_by_.reset();
  proof_by_.reset();
  agree_by_.reset();
  actions_.emplace_back(Ended{reason, std::move(text)});
}

bool Session::outgoing_in_progress() const {
  return dialing_ || std::ranges::any_of(calls_, [](const auto& entry) {
           return entry.second.direction() == Direction::kOutgoing;
         });
}

void Session::routes_failed(Instant now, std::string why) {
  if (phase_ == Phase::kEnded) return;
  phase_ = Phase::kClosing;  // the calls' ends are no accident
  for (auto& [id, call] : calls_) call.hang_up(now, {Bye::Reason::kFailed, why});
  end(EndReason::kMachineRefused, std::move(why));
}

}  // namespace isthmus::session
