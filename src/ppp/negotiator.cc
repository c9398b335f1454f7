#include "ppp/negotiator.h"

#include <fmt/format.h>

#include <algorithm>
#include <bitset>
#include <utility>

#include "base/byte_writer.h"
#include "base/guard.h"

namespace isthmus::ppp {
namespace {

// A remark names at most this many options, so that a hostile request of hundreds does not fill the log.
constexpr std::size_t kMaxRemarkedOptions = 16;
// What a Terminate-Request says, if the peer's MRU permits.
constexpr std::size_t kMaxCloseReason = 400;

// A peer that agrees to all we ask and asks itself for ever for what the policy refuses starts the restart
// counter anew with each Ack: RFC 1661's counters never end that. This many Configure-Naks and -Rejects
// without an Ack between them do.
constexpr int kMaxRefusals = 20;

bool same(const Option& a, const Option& b) {
  return a.type == b.type && std::ranges::equal(a.value, b.value);
}

// RFC 1661 section 5.4: a Configure-Reject names options of our request, unchanged and in their order. (A
// "proper" subset, it says; a peer that refuses all of them is still understood.)
bool is_subset_in_order(const std::vector<Option>& some, const std::vector<Option>& all) {
  auto at = all.begin();
  for (const Option& option : some) {
    at = std::find_if(at, all.end(), [&](const Option& ours) { return same(ours, option); });
    if (at == all.end()) return false;
    ++at;
  }
  return !some.empty();
}

}  // namespace

Negotiator::Negotiator(NegotiatorOptions options, OptionPolicy& policy)
    : options_(std::move(options)), policy_(policy) {}

void Negotiator::open(Instant now) {
  raise(now, Event::kOpen);
}

void Negotiator::close(Instant now, std::string_view reason) {
  close_reason_ = reason.substr(0, std::min(kMaxCloseReason, room()));
  raise(now, Event::kClose);
}

void Negotiator::up(Instant now) {
  if (options_.silent && state_ == State::kStarting) {
    // In Stopped the automaton answers a Configure-Request with one of its own and says nothing otherwise.
    state_ = State::kStopped;
    return;
  }
  raise(now, Event::kUp);
}

void Negotiator::down(Instant now) {
  raise(now, Event::kDown);
}

void Negotiator::renegotiate(Instant now) {
  if (transition(state_, Event::kOpen).footnote != Footnote::kRestart) return;
  raise(now, Event::kDown);
  raise(now, Event::kUp);
}

void Negotiator::protocol_rejected(Instant now) {
  failure_ = fmt::format("the peer does not speak {}", options_.name);
  has_timed_out_ = false;
  raise(now, Event::kRxjMinus);
}

void Negotiator::fall_silent(Instant now) {
  down(now);
  close(now, {});
  up(now);
  failure_ = fmt::format("the peer does not speak {}", options_.name);
}

void Negotiator::echo_requested(Instant now) {
  raise(now, Event::kRxr);
}

void Negotiator::advance(Instant now) {
  if (!deadline_ || now < *deadline_) return;
  deadline_.reset();
  if (restart_count_ > 0) return raise(now, Event::kToPlus);
  has_timed_out_ = is_negotiating();
  if (has_timed_out_) {
    failure_ =
        fmt::format("no agreement on {} after {} Configure-Requests", options_.name, options_.max_configure);
  }
  raise(now, Event::kToMinus);
}

std::vector<NegotiatorOutput> Negotiator::take_outputs() {
  return std::exchange(outputs_, {});
}

bool Negotiator::has_refused() const {
  return refusals_sent_ >= kMaxRefusals;
}

bool Negotiator::is_code_rejected(Code code) const {
  return (rejected_codes_ >> static_cast<unsigned>(code) & 1U) != 0;
}

// --- the automaton

void Negotiator::raise(Instant now, Event event, const Cause& cause) {
  Transition cell = transition(state_, event);
  if (!cell.legal) return;
  // RFC 1661 section 4.2: with the passive option nobody answering is no reason to give the lower layer up.
  // Passive waits for a peer to come, not for one that is there and does not agree.
  if (cell.footnote == Footnote::kPassive && options_.passive && !is_heard_) cell.count = 0;
  if (cell.footnote == Footnote::kCrossed) {
    outputs_.emplace_back(Remark{fmt::format("{}: a crossed connection, starting over", options_.name)});
  }
  // A request of the peer was judged before it was raised, in the negotiation that it begins.
  const bool is_judged = event == Event::kRcrPlus || event == Event::kRcrMinus;
  if (cell.has(Act::scr) && !is_negotiating() && !is_judged) begin_negotiation();
  apply(now, cell, cause);
}

// RFC 1661 section 4.6 counts within one negotiation, and what the peer suggested or refused holds for one.
void Negotiator::begin_negotiation() {
  policy_.reset();
  naks_sent_ = refusals_sent_ = naks_received_ = 0;
  failure_.clear();
  has_timed_out_ = false;
}

void Negotiator::apply(Instant now, const Transition& cell, const Cause& cause) {
  state_ = cell.next;
  if (!has_restart_timer(state_)) deadline_.reset();
  for (const Act action : cell.actions()) act(now, action, cause);
}

void Negotiator::act(Instant now, Act action, const Cause& cause) {
  switch (action) {
    case Act::tlu:
      return signal(LayerSignal::kUp);
    case Act::tld:
      return signal(LayerSignal::kDown);
    case Act::tls:
      return signal(LayerSignal::kStarted);
    case Act::tlf:
      return signal(LayerSignal::kFinished);
    case Act::ser:
      return signal(LayerSignal::kEchoReply);
    case Act::irc:
      return initialize_restart_count();
    case Act::zrc:
      restart_count_ = 0;
      return start_timer(now);
    case Act::scr:
      return send_request(now);
    case Act::sca:
      naks_sent_ = refusals_sent_ = 0;
      return send(Code::kConfigureAck, cause.identifier, cause.reply.options);
    case Act::scn:
      return send(cause.reply.code, cause.identifier, cause.reply.options);
    case Act::str:
      --restart_count_;
      start_timer(now);
      return send(Code::kTerminateRequest, ++identifier_, bytes_of(close_reason_));
    case Act::sta:
      return send(Code::kTerminateAck, cause.identifier, {});
    case Act::scj:
      return send(Code::kCodeReject, ++identifier_, cause.quoted);
  }
}

void Negotiator::signal(LayerSignal signal) {
  if (signal == LayerSignal::kUp) failure_.clear();
  outputs_.emplace_back(signal);
}

void Negotiator::initialize_restart_count() {
  const bool is_terminating = state_ == State::kClosing || state_ == State::kStopping;
  restart_count_ = is_terminating ? options_.max_terminate : options_.max_configure;
}

void Negotiator::start_timer(Instant now) {
  deadline_ = now + options_.restart_interval;
}

void Negotiator::send_request(Instant now) {
  Bytes request;
  policy_.append_request(request);
  // RFC 1661 section 5.1: a new identifier for new contents and after a valid reply; a retransmission keeps
  // it, so that a late answer to the first copy still counts.
  if (is_answered_ || request != request_) request_identifier_ = ++identifier_;
  request_ = std::move(request);
  is_answered_ = false;
  --restart_count_;
  start_timer(now);
  if (const auto options = parse_options(request_)) remark("we ask for", *options);
  send(Code::kConfigureRequest, request_identifier_, request_);
}

// Ends a negotiation that does not converge as if Max-Configure had run out, also when passive: to wait for a
// peer that disagrees is no use.
void Negotiator::give_up(Instant now, std::string reason) {
  const Transition& cell = transition(state_, Event::kToMinus);
  if (!cell.legal) return;
  failure_ = std::move(reason);
  has_timed_out_ = false;
  apply(now, cell, Cause{});
}

// --- packets

Receipt Negotiator::receive(Instant now, const ControlPacket& packet) {
  if (state_ == State::kInitial || state_ == State::kStarting) return Receipt::kTaken;
  if (packet.data.size() < options_.vendor.size()) return Receipt::kTaken;
  if (!std::ranges::equal(packet.data.first(options_.vendor.size()), options_.vendor))
    return Receipt::kForeignVendor;
  const ConstBytes data = packet.data.subspan(options_.vendor.size());
  is_heard_ = true;

  const std::optional<Code> code = known_code(packet.code);
  if (!code || *code > Code::kCodeReject) {
    unknown_code(now, packet);
    return Receipt::kTaken;
  }
  if (*code == Code::kConfigureRequest) {
    configure_request(now, packet.identifier, data);
  } else if (*code <= Code::kConfigureReject) {
    configure_reply(now, *code, packet.identifier, data);
  } else if (*code == Code::kCodeReject) {
    code_reject(now, data);
  } else {
    raise(now, *code == Code::kTerminateRequest ? Event::kRtr : Event::kRta,
          Cause{packet.identifier, {}, {}});
  }
  return Receipt::kTaken;
}

void Negotiator::configure_request(Instant now, std::uint8_t identifier, ConstBytes data) {
  const auto options = parse_options(data);
  // RFC 1661 section 6: an option that runs past the end has the packet discarded.
  if (!options) return;
  // Not in Closed, Closing and Stopping. In Stopped and Opened it begins a negotiation.
  const bool is_answered_now = transition(state_, Event::kRcrPlus).has(Act::sca);
  if (is_answered_now && !is_negotiating()) begin_negotiation();
  Cause cause{identifier, is_answered_now ? judge(*options) : Reply{}, {}};
  const bool is_good = cause.reply.code == Code::kConfigureAck;
  raise(now, is_good ? Event::kRcrPlus : Event::kRcrMinus, cause);
  if (!is_answered_now || is_good || guard<Guard::kRefusals>(++refusals_sent_ < kMaxRefusals)) return;
  const auto refused = parse_options(cause.reply.options);
  give_up(now, fmt::format("the peer asked {} times in vain for {}", kMaxRefusals,
                           refused ? list(*refused) : std::string{}));
}

Negotiator::Reply Negotiator::judge(const std::vector<Option>& request) {
  std::bitset<256> seen;
  std::vector<Judgement> judgements;
  judgements.reserve(request.size());
  for (const Option& option : request) {
    // None of our protocols has an option that may be listed twice (RFC 1661 section 6).
    judgements.push_back(seen[option.type] ? Judgement::reject() : policy_.judge(option));
    seen.set(option.type);
  }
  Reply reply = compose(request, judgements);
  remark("the peer asks for", request);
  if (reply.code == Code::kConfigureAck) {
    policy_.grant(request);
  } else if (const auto refused = parse_options(reply.options)) {
    remark(reply.code == Code::kConfigureNak ? "we suggest instead" : "we reject", *refused);
  }
  return reply;
}

// RFC 1661 sections 5.2 to 5.4: a Reject before a Nak before an Ack, each with its own options only, in the
// peer's order.
Negotiator::Reply Negotiator::compose(const std::vector<Option>& request,
                                      const std::vector<Judgement>& judgements) {
  Bytes acked, nakked, rejected;
  // Section 4.6, Max-Failure: then a Nak becomes a Reject and nothing is appended any more.
  const bool may_nak = naks_sent_ < options_.max_failure;
  for (std::size_t i = 0; i < request.size(); ++i) {
    const Option& option = request[i];
    const Judgement& judgement = judgements[i];
    append_option(option.type, option.value, acked);
    if (judgement.verdict == Judgement::Verdict::kNak && may_nak) {
      append_option(option.type, judgement.suggestion, nakked);
    } else if (judgement.verdict != Judgement::Verdict::kAck) {
      append_option(option.type, option.value, rejected);
    }
  }
  if (!rejected.empty()) return {Code::kConfigureReject, std::move(rejected)};
  if (may_nak) policy_.append_missing(request, nakked);
  if (nakked.empty()) return {Code::kConfigureAck, std::move(acked)};
  ++naks_sent_;
  return {Code::kConfigureNak, std::move(nakked)};
}

void Negotiator::configure_reply(Instant now, Code code, std::uint8_t identifier, ConstBytes data) {
  const Event event = code == Code::kConfigureAck ? Event::kRca : Event::kRcn;
  // Nothing of ours is outstanding there: the Terminate-Ack tells the peer so.
  if (state_ < State::kReqSent) return raise(now, event, Cause{identifier, {}, {}});
  // RFC 1661 section 4.3: out of sequence, or a second answer to a request already answered.
  const bool is_awaited = identifier == request_identifier_ && !is_answered_;
  if (!guard<Guard::kReplyIdentifier>(is_awaited)) {
    outputs_.emplace_back(Remark{fmt::format("{}: a reply to no request of ours, discarded", options_.name)});
    return;
  }
  if (code == Code::kConfigureAck) {
    if (!guard<Guard::kAckedOptions>(std::ranges::equal(data, request_))) return;
    is_answered_ = true;
    naks_received_ = 0;
    outputs_.emplace_back(Remark{fmt::format("{}: the peer agrees to what we asked", options_.name)});
    return raise(now, event);
  }
  const auto options = parse_options(data);
  if (options) refusal(now, code, *options);
}

void Negotiator::refusal(Instant now, Code code, const std::vector<Option>& options) {
  const bool is_nak = code == Code::kConfigureNak;
  const auto ours = parse_options(request_);
  if (!is_nak && (!ours || !is_subset_in_order(options, *ours))) return;

  is_answered_ = true;
  remark(is_nak ? "the peer suggests" : "the peer rejects", options);
  const Result<void> taken = is_nak ? policy_.nakked(options) : policy_.rejected(options);
  if (!taken) return give_up(now, taken.error().message);
  // RCN starts the restart counter anew, so Max-Configure never ends this; Rejects end by themselves, since
  // each takes an option away.
  if (is_nak && ++naks_received_ > options_.max_failure) {
    return give_up(now, fmt::format("no agreement on {}: the peer sent {} Configure-Naks", options_.name,
                                    naks_received_));
  }
  raise(now, Event::kRcn);
}

void Negotiator::code_reject(Instant now, ConstBytes quoted) {
  if (quoted.empty()) return;
  const std::uint8_t code = quoted[0];
  if (code <= static_cast<std::uint8_t>(Code::kCodeReject)) {
    failure_ = fmt::format("the peer does not know {} code {}", options_.name, code);
    has_timed_out_ = false;
    return raise(now, Event::kRxjMinus);
  }
  if (code < 32) rejected_codes_ |= std::uint32_t{1} << code;
  raise(now, Event::kRxjPlus);
}

void Negotiator::unknown_code(Instant now, const ControlPacket& packet) {
  Cause cause;
  ByteWriter quoted(cause.quoted);
  quoted.u8(packet.code);
  quoted.u8(packet.identifier);
  quoted.u16(static_cast<std::uint16_t>(packet.data.size() + kControlHeaderSize));
  quoted.raw(packet.data);
  if (cause.quoted.size() > room()) cause.quoted.resize(room());
  raise(now, Event::kRuc, cause);
}

void Negotiator::send(Code code, std::uint8_t identifier, ConstBytes data) {
  Bytes whole = options_.vendor;
  whole.insert(whole.end(), data.begin(), data.end());
  Send packet;
  append_control_packet(code, identifier, whole, packet.information);
  outputs_.emplace_back(std::move(packet));
}

// For data, behind the vendor's octets, in a packet to the peer.
std::size_t Negotiator::room() const {
  return peer_mru_ - kControlHeaderSize - options_.vendor.size();
}

void Negotiator::remark(std::string_view what, const std::vector<Option>& options) {
  outputs_.emplace_back(Remark{fmt::format("{}: {} {}", options_.name, what, list(options))});
}

std::string Negotiator::list(const std::vector<Option>& options) const {
  if (options.empty()) return "nothing but defaults";
  std::string text;
  for (std::size_t i = 0; i < std::min(options.size(), kMaxRemarkedOptions); ++i) {
    if (i > 0) text += ", ";
    text += policy_.describe(options[i]);
  }
  if (options.size() > kMaxRemarkedOptions)
    text += fmt::format(" and {} more", options.size() - kMaxRemarkedOptions);
  return text;
}

}  // namespace isthmus::ppp
