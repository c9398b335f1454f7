#include "session/call.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/earlier.h"
#include "ppp/vsncp.h"
#include "session/datagram_path.h"

namespace isthmus::session {
namespace {

ppp::LinkOptions link_options(ppp::LinkOptions options) {
  options.network.reset();  // until policy has spoken
  return options;
}

}  // namespace

Call::Call(CallId id, Direction direction, ppp::LinkOptions link, Hello ours, RandomSource& random,
           const ppp::AddressPolicy& policy)
    : id_(id),
      direction_(direction),
      announced_(link.vsncp_capabilities),
      link_(link_options(std::move(link)), random, policy),
      ours_(std::move(ours)) {
  ours_.is_caller = direction == Direction::kOutgoing;
}

void Call::start(Instant now) {
  link_.carrier_up(now);
  follow_link(now);
}

void Call::carrier_lost(Instant now) {
  link_.carrier_down(now);
  follow_link(now);
}

void Call::hang_up(Instant now, const Bye& bye) {
  send(now, bye);
  hung_up_ = true;
  agreed_ = false;
  hello_again_.reset();
  hello_patience_.reset();
  agreement_patience_.reset();
  link_.close(now, bye.text);
  follow_link(now);
}

void Call::send(Instant now, const Message& message) {
  if (!vsncp_up_) return;
  // The peer's MRU may be less than a message can be long (RFC 1661 section 6.1).
  const Bytes octets = encode(message, agreement_.mtu);
  if (link_.send_vsnp(now, octets)) return;
  events_.emplace_back(
      ppp::LinkNote{ppp::LinkNote::Level::kWarning,
                    fmt::format("a message of {} octets could not be sent to the far end", octets.size())});
}

void Call::send_of_datagrams(Instant now, ConstBytes message) {
  if (takes_datagrams()) link_.send_vsnp(now, message);
}

std::optional<Instant> Call::next_deadline() const {
  return earlier(earlier(earlier(link_.next_deadline(), agreement_patience_),
                         earlier(report_deadline(), echo_patience_)),
                 earlier(hello_again_, hello_patience_));
}

void Call::advance(Instant now) {
  link_.advance(now);
  follow_link(now);
  report_if_due(now);
  if (echo_patience_ && now >= *echo_patience_) lose_patience(now);
  if (hello_again_ && now >= *hello_again_) say_hello(now);
  if (hello_patience_ && now >= *hello_patience_) {
    hang_up(now, {Bye::Reason::kFailed, "the far end agreed to VSNP but never said Hello"});
  }
  if (agreement_patience_ && now >= *agreement_patience_) {
    hang_up(now, {Bye::Reason::kRefused,
                  fmt::format("no agreement on addresses within {} s",
                              std::chrono::duration_cast<std::chrono::seconds>(kAgreementPatience).count())});
  }
}

std::vector<CallEvent> Call::take_events() {
  return std::exchange(events_, {});
}

void Call::follow_link(Instant now) {
  for (ppp::LinkAction& action : link_.take_actions()) {
    std::visit([&](auto& event) { on(now, event); }, action);
  }
}

void Call::on(Instant, ppp::LcpUp& up) {
  agreement_.mtu = up.peer_mru;
}

// Also after the agreement, from a peer that did not answer in time: it is told once more then.
void Call::on(Instant, ppp::Ipv4Up& up) {
  agreed_ = false;
  agreement_.ipv4 = std::move(up);
  agreement_.why_no_ipv4.clear();
  ipv4_settled_ = true;
  check_agreement();
}

void Call::on(Instant, ppp::Ipv6Up& up) {
  agreed_ = false;
  agreement_.ipv6 = up;
  agreement_.why_no_ipv6.clear();
  ipv6_settled_ = true;
  check_agreement();
}

void Call::on(Instant now, ppp::Ipv4Down&) {
  agreement_.ipv4.reset();
  ipv4_settled_ = false;
  disagree(now);
}

void Call::on(Instant now, ppp::Ipv6Down&) {
  agreement_.ipv6.reset();
  ipv6_settled_ = false;
  disagree(now);
}

// The caller speaks first; what the called end offers may depend on what the caller wants.
void Call::on(Instant now, ppp::VsncpUp& up) {
  vsncp_up_ = true;
  capabilities_ = announced_ & up.capabilities;
  stop_measuring();
  if (has(ppp::kReceiveReports)) meter_.begin(link_.octets_queued());
  is_plain_ = false;  // it was taken for plain while it did not answer
  hello_patience_ = now + kHelloPatience;
  if (direction_ == Direction::kOutgoing) say_hello(now);
}

void Call::on(Instant now, ppp::VsncpDown&) {
  vsncp_up_ = false;
  capabilities_ = 0;
  stop_measuring();
  hello_said_ = false;
  answered_ = false;
  settlement_.reset();
  agreement_.peer.reset();
  hello_again_.reset();
  disagree(now);
}

void Call::on(Instant, ppp::ProtocolUnavailable& unavailable) {
  events_.emplace_back(ppp::LinkNote{ppp::LinkNote::Level::kNegotiation, unavailable.reason});
  if (unavailable.protocol == ppp::Protocol::kIpcp) {
    ipv4_settled_ = true;
    agreement_.why_no_ipv4 = unavailable.reason;
  }
  if (unavailable.protocol == ppp::Protocol::kIpv6cp) {
    ipv6_settled_ = true;
    agreement_.why_no_ipv6 = unavailable.reason;
  }
  if (unavailable.protocol == ppp::Protocol::kVsncp && !is_plain_) {
    is_plain_ = true;
    events_.emplace_back(PeerHeard{std::nullopt});
  }
  check_agreement();
}

// A message that does not parse is the peer's bug or a later version's word: it is skipped and noted, never
// answered.
void Call::on(Instant now, ppp::VsnpMessage& octets) {
  if (takes_datagrams() && DatagramPath::takes(octets.octets)) {
    events_.emplace_back(DatagramsHeard{std::move(octets.octets)});
    return;
  }
  Result<Message> message = decode(octets.octets);
  if (!message) {
    events_.emplace_back(ppp::LinkNote{ppp::LinkNote::Level::kNegotiation,
                                       "VSNP message skipped: " + message.error().message});
    return;
  }
  if (auto* hello = std::get_if<Hello>(&*message)) return hear(now, std::move(*hello));
  if (auto* answer = std::get_if<Answer>(&*message)) return hear(std::move(*answer));
  if (auto* bye = std::get_if<Bye>(&*message)) {
    bye_ = std::move(*bye);
    return;
  }
  events_.emplace_back(Heard{std::move(*message)});
}

void Call::on(Instant, ppp::PeerTerminates& terminates) {
  end(ppp::LinkEnd::kTerminatedByPeer, terminates.reason);
}

void Call::on(Instant, ppp::LinkDown& down) {
  end(down.end, down.reason);
}

void Call::end(ppp::LinkEnd how, const std::string& reason) {
  hello_again_.reset();
  hello_patience_.reset();
  agreement_patience_.reset();
  agreed_ = false;
  if (!std::exchange(ended_, true)) events_.emplace_back(CallEnded{how, reason, bye_});
}

void Call::on(Instant, ppp::LinkNote& note) {
  events_.emplace_back(std::move(note));
}

void Call::on(Instant, ppp::FrameTrace& trace) {
  events_.emplace_back(std::move(trace));
}

// The same Hello again means that our Answer was lost: only the Answer is repeated. Another Hello is a new
// question.
void Call::hear(Instant now, Hello hello) {
  if (agreement_.peer == hello && settlement_) return answer(now);
  if (agreement_.peer == hello) return;
  hello_patience_.reset();
  if (agreed_) {
    disagree(now);
  } else {
    count_question(now);
  }
  if (hung_up_) return;
  settlement_.reset();
  agreement_.peer = hello;
  events_.emplace_back(PeerHeard{std::move(hello)});
}

void Call::hear(Answer answer) {
  if (!hello_said_ || answered_) return;
  answered_ = true;
  hello_again_.reset();
  agreement_.offered.clear();
  for (const Answer::Verdict& verdict : answer.verdicts) {
    const bool ours = std::ranges::find(ours_.offers, verdict.prefix) != ours_.offers.end();
    if (ours && verdict.accepted) agreement_.offered.push_back(verdict.prefix);
  }
  agreement_.verdicts = std::move(answer.verdicts);
  check_agreement();
}

void Call::settle(Instant now, Settlement settlement) {
  if (settlement.refusal) return hang_up(now, *settlement.refusal);
  if (hung_up_) return;
  agreement_.accepted = settlement.accepted;
  agreement_.refusals.clear();
  std::ranges::copy_if(settlement.verdicts, std::back_inserter(agreement_.refusals),
                       [](const Answer::Verdict& verdict) { return !verdict.accepted; });
  settlement_ = std::move(settlement);
  ours_.offers = settlement_->offers;
  if (is_plain_) agreement_.offered = settlement_->offers;
  if (!is_plain_) answer(now);
  if (!is_plain_ && !hello_said_) say_hello(now);
  if (!settlement_->network.ipv4) {
    ipv4_settled_ = true;
    agreement_.why_no_ipv4 = "this end has no use for it";
  }
  if (!settlement_->network.ipv6) {
    ipv6_settled_ = true;
    agreement_.why_no_ipv6 = "this end has no use for it";
  }
  agreement_patience_ = now + kAgreementPatience;
  if (!network_open_) link_.open_network(now, settlement_->network);
  network_open_ = true;
  follow_link(now);
  check_agreement();
}

void Call::answer(Instant now) {
  send(now, Answer{settlement_->verdicts});
}

void Call::say_hello(Instant now) {
  hello_said_ = true;
  send(now, ours_);
  hello_again_ = now + kHelloInterval;
}

void Call::disagree(Instant now) {
  if (!std::exchange(agreed_, false)) return;
  agreement_patience_ = now + kAgreementPatience;
  events_.emplace_back(Disagreed{});
  count_question(now);
}

void Call::count_question(Instant now) {
  if (now - questions_since_ > kQuestionWindow) {
    questions_since_ = now;
    questions_ = 0;
  }
  if (++questions_ > kMaxQuestions && !hung_up_)
    hang_up(now, {Bye::Reason::kRefused, "the far end negotiates anew without end"});
}

void Call::check_agreement() {
  if (agreed_ || hung_up_ || !settlement_ || !ipv4_settled_ || !ipv6_settled_) return;
  if (!is_plain_ && !answered_) return;
  agreed_ = true;
  if (meter_.window() == nullptr) measure_by_echo();
  agreement_patience_.reset();
  events_.emplace_back(Agreed{});
}

}  // namespace isthmus::session
