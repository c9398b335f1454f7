#include "ppp/link_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ppp/describe.h"

namespace isthmus::ppp {
namespace {

Bytes oui_octets() {
  Bytes out;
  append_oui(kOui, out);
  return out;
}

}  // namespace

Link::State::State(LinkOptions options, RandomSource& random, const AddressPolicy& policy)
    : decoder(longest_information(options)),
      options_(std::move(options)),
      random_(random),
      policy_(policy),
      lcp_policy_(options_, random),
      lcp_(negotiator_options("LCP"), lcp_policy_),
      vsncp_policy_(options_.vsncp_capabilities),
      ncps_{Ncp{.control = Protocol::kIpcp, .data = Protocol::kIpv4},
            Ncp{.control = Protocol::kIpv6cp, .data = Protocol::kIpv6},
            Ncp{.control = Protocol::kVsncp, .data = Protocol::kVsnp}} {
  Ncp& vsncp = ncps_[kVsncpPlace];
  vsncp.is_wanted = options_.vsncp;
  if (vsncp.is_wanted) {
    NegotiatorOptions vendor = negotiator_options("VSNCP");
    vendor.vendor = oui_octets();
    vsncp.negotiator.emplace(std::move(vendor), vsncp_policy_);
  }
  // Until open_network() says otherwise both are wanted: what the peer asks of them is kept.
  ncps_[kIpcpPlace].is_wanted = ncps_[kIpv6cpPlace].is_wanted = true;
  if (options_.network) make_network(*options_.network);
}

NegotiatorOptions Link::State::negotiator_options(std::string name) const {
  const bool is_lcp = name == "LCP";
  return {.name = std::move(name),
          .vendor = {},
          .max_configure = options_.max_configure,
          .max_terminate = options_.max_terminate,
          .max_failure = options_.max_failure,
          .restart_interval = options_.restart_interval,
          .passive = is_lcp && options_.passive,
          .silent = is_lcp && options_.silent};
}

void Link::State::make_network(const NetworkOptions& options) {
  Ncp& ipcp = ncps_[kIpcpPlace];
  ipcp.is_wanted = options.ipv4;
  ipcp_policy_.emplace(options, policy_);
  if (options.ipv4) ipcp.negotiator.emplace(negotiator_options("IPCP"), *ipcp_policy_);

  Ncp& ipv6cp = ncps_[kIpv6cpPlace];
  ipv6cp.is_wanted = options.ipv6;
  ipv6cp_policy_.emplace(options, random_);
  if (options.ipv6) ipv6cp.negotiator.emplace(negotiator_options("IPV6CP"), *ipv6cp_policy_);
}

// --- inputs

void Link::State::carrier_up(Instant now) {
  if (is_over_) return;
  for (Ncp& ncp : ncps_)
    if (ncp.negotiator) ncp.negotiator->open(now);
  lcp_.open(now);
  lcp_.up(now);
  settle(now);
}

void Link::State::carrier_down(Instant now) {
  drop(now, LinkEnd::kCarrierLost, "the carrier was lost");
}

void Link::State::open_network(Instant now, NetworkOptions options) {
  if (is_over_ || options_.network) return;
  options_.network = std::move(options);
  make_network(*options_.network);
  for (Ncp* ncp : {&ncps_[kIpcpPlace], &ncps_[kIpv6cpPlace]}) {
    if (ncp->negotiator) {
      ncp->negotiator->open(now);
      ncp->negotiator->set_peer_mru(peer_mru_);
      if (lcp_.is_opened()) ncp->negotiator->up(now);
    }
    replay_held(now, *ncp);
  }
  settle(now);
}

void Link::State::replay_held(Instant now, Ncp& ncp) {
  const Bytes request = std::exchange(ncp.held_request, {});
  if (request.empty() || !lcp_.is_opened()) return;
  const Frame frame{static_cast<std::uint16_t>(ncp.control), request};
  if (ncp.is_wanted) return receive_control(now, ncp, frame);
  reject_protocol(frame);
}

void Link::State::close(Instant now, std::string_view reason) {
  if (is_over_) return;
  plan_end(LinkEnd::kClosedByUs, std::string(reason));
  lcp_.close(now, reason);
  // From Initial and Stopped a Close has nothing to finish.
  if (lcp_.is_closed()) is_finished_ = true;
  settle(now);
}

void Link::State::renegotiate(Instant now) {
  if (is_over_ || planned_end_) return;
  lcp_.renegotiate(now);
  settle(now);
}

void Link::State::carrier_progressed(Instant now) {
  if (watch_) watch_->heard(now);
}

void Link::State::advance(Instant now) {
  if (is_over_) return;
  lcp_.advance(now);
  for (Ncp& ncp : ncps_)
    if (ncp.negotiator) ncp.negotiator->advance(now);
  settle(now);
  if (!watch_) return;
  switch (watch_->check(now)) {
    case LifeWatch::Verdict::kFine:
      break;
    case LifeWatch::Verdict::kEchoDue:
      send_echo_request();
      break;
    case LifeWatch::Verdict::kDead:
      drop(now, LinkEnd::kPeerDead, "the peer is silent");
      break;
  }
}

std::optional<Instant> Link::State::next_deadline() const {
  if (is_over_) return std::nullopt;
  std::optional<Instant> next = lcp_.next_deadline();
  const auto consider = [&](std::optional<Instant> deadline) {
    if (deadline && (!next || *deadline < *next)) next = deadline;
  };
  for (const Ncp& ncp : ncps_)
    if (ncp.negotiator) consider(ncp.negotiator->next_deadline());
  if (watch_) consider(watch_->next_deadline());
  return next;
}

// --- what the negotiators put out

// One layer's output can be another's event, so this goes on until all are quiet.
void Link::State::settle(Instant now) {
  while (settle_once(now)) {
  }
  if (is_finished_) finish();
}

bool Link::State::settle_once(Instant now) {
  bool was_busy = false;
  for (const NegotiatorOutput& output : lcp_.take_outputs()) {
    was_busy = true;
    on_lcp(now, output);
  }
  for (Ncp& ncp : ncps_) {
    if (!ncp.negotiator) continue;
    for (const NegotiatorOutput& output : ncp.negotiator->take_outputs()) {
      was_busy = true;
      on_ncp(now, ncp, output);
    }
  }
  return was_busy;
}

void Link::State::on_lcp(Instant now, const NegotiatorOutput& output) {
  if (const auto* signal = std::get_if<LayerSignal>(&output)) lcp_signal(now, *signal);
  if (const auto* packet = std::get_if<Send>(&output)) send_frame(Protocol::kLcp, packet->information);
  if (const auto* remark = std::get_if<Remark>(&output)) note(LinkNote::Level::kNegotiation, remark->text);
}

void Link::State::lcp_signal(Instant now, LayerSignal signal) {
  switch (signal) {
    case LayerSignal::kUp:
      lcp_up(now);
      break;
    case LayerSignal::kDown:
      lcp_down(now);
      break;
    case LayerSignal::kStarted:
      break;  // the carrier is the caller's to bring up
    case LayerSignal::kFinished:
      plan_end(LinkEnd::kNegotiationFailed, lcp_.failure());
      is_finished_ = true;
      break;
    case LayerSignal::kEchoReply:
      send_echo_reply();
      break;
  }
}

void Link::State::lcp_up(Instant now) {
  const LcpPolicy::PeerValues& peer = lcp_policy_.peer();
  framing_ = peer.framing;
  peer_mru_ = peer.mru;
  decoder.set_receive_accm(lcp_policy_.receive_accm());
  lcp_.set_peer_mru(peer_mru_);
  if (options_.echo_interval)
    watch_.emplace(
        LifeWatch::Limits{*options_.echo_interval, options_.dead_after_idle, options_.dead_after_busy}, now);
  actions.emplace_back(LcpUp{peer_mru_});
  send_identification();
  for (Ncp& ncp : ncps_) {
    if (!ncp.negotiator) continue;
    ncp.negotiator->set_peer_mru(peer_mru_);
    ncp.negotiator->up(now);
  }
}

void Link::State::lcp_down(Instant now) {
  framing_ = {};
  peer_mru_ = kDefaultMru;
  lcp_.set_peer_mru(peer_mru_);
  decoder.set_receive_accm(framing_.accm);
  watch_.reset();
  for (Ncp& ncp : ncps_) {
    ncp.held_request.clear();
    if (ncp.negotiator) ncp.negotiator->down(now);
  }
}

void Link::State::on_ncp(Instant now, Ncp& ncp, const NegotiatorOutput& output) {
  if (const auto* signal = std::get_if<LayerSignal>(&output)) ncp_signal(now, ncp, *signal);
  if (const auto* packet = std::get_if<Send>(&output)) send_frame(ncp.control, packet->information);
  if (const auto* remark = std::get_if<Remark>(&output)) note(LinkNote::Level::kNegotiation, remark->text);
}

void Link::State::ncp_signal(Instant now, Ncp& ncp, LayerSignal signal) {
  switch (signal) {
    case LayerSignal::kUp:
      ncp_up(now, ncp);
      break;
    case LayerSignal::kDown:
      ncp_down(ncp);
      break;
    case LayerSignal::kStarted:
      break;
    case LayerSignal::kFinished:
      if (!ncp.negotiator->is_stopped() || ncp.unavailable) break;
      if (ncp.negotiator->has_timed_out()) {
        tell_unavailable(ncp, ncp.negotiator->failure());
        break;
      }
      if (!ncp.negotiator->failure().empty()) {
        make_unavailable(now, ncp, ncp.negotiator->failure());
        break;
      }
      note(LinkNote::Level::kNotice,
           fmt::format("the peer closed {}", protocol_name(static_cast<std::uint16_t>(ncp.control))));
      close_if_nothing_left(now);
      break;
    case LayerSignal::kEchoReply:
      break;  // only LCP is ever asked
  }
}

void Link::State::ncp_up(Instant now, Ncp& ncp) {
  Result<LinkAction> up = agreement(ncp);
  if (!up) return make_unavailable(now, ncp, up.error().message);
  ncp.is_up = true;
  if (ncp.data == Protocol::kVsnp && has_long_messages()) decoder.set_max_information(kMaxLongMessage);
  actions.push_back(std::move(*up));
}

void Link::State::ncp_down(Ncp& ncp) {
  if (!std::exchange(ncp.is_up, false)) return;
  if (ncp.control == Protocol::kIpcp) actions.emplace_back(Ipv4Down{});
  if (ncp.control == Protocol::kIpv6cp) actions.emplace_back(Ipv6Down{});
  if (ncp.control == Protocol::kVsncp) actions.emplace_back(VsncpDown{});
}

Result<LinkAction> Link::State::agreement(const Ncp& ncp) const {
  if (ncp.control == Protocol::kIpcp) return TRY(ipcp_policy_->agreement());
  if (ncp.control == Protocol::kIpv6cp) return TRY(ipv6cp_policy_->agreement());
  return vsncp_policy_.agreement();
}

void Link::State::tell_unavailable(const Ncp& ncp, const std::string& reason) {
  actions.emplace_back(ProtocolUnavailable{ncp.control, reason});
}

// For good: in Closed the automaton answers every request with a Terminate-Ack. One whose requests only found
// no answer is not closed: in Stopped it answers a peer that comes to it later.
void Link::State::make_unavailable(Instant now, Ncp& ncp, const std::string& reason) {
  if (ncp.unavailable) return;
  ncp.unavailable = reason;
  tell_unavailable(ncp, reason);
  ncp.negotiator->close(now, reason);
  close_if_nothing_left(now);
}

// RFC 1661 section 3.7 lets a link stand without network protocols; ours is there for them.
void Link::State::close_if_nothing_left(Instant now) {
  LinkEnd end = LinkEnd::kTerminatedByPeer;
  std::string why = "no network protocol is left";
  for (const Ncp& ncp : ncps_) {
    if (!ncp.is_wanted) continue;
    if (!ncp.negotiator) return;
    const bool was_closed_by_peer = ncp.negotiator->is_stopped() && !ncp.negotiator->has_timed_out();
    if (!ncp.unavailable && !was_closed_by_peer) return;
    if (!ncp.unavailable) continue;
    why += fmt::format("; {}: {}", protocol_name(static_cast<std::uint16_t>(ncp.control)), *ncp.unavailable);
    if (end == LinkEnd::kTerminatedByPeer) end = LinkEnd::kNegotiationFailed;
    // A peer that gives in and goes on without an address (pppd) was refused like one that insists.
    const bool gave_in = ncp.control == Protocol::kIpcp && ipcp_policy_->has_refused_peer();
    if (ncp.negotiator->has_refused() || gave_in) end = LinkEnd::kRefused;
  }
  lcp_.close(now, why);
  plan_end(end, std::move(why));
}

// --- the end

void Link::State::plan_end(LinkEnd end, std::string reason) {
  if (!planned_end_) planned_end_ = LinkDown{end, std::move(reason)};
}

// Without another word to the peer: it is not there, or it is ourselves.
void Link::State::drop(Instant now, LinkEnd end, std::string reason) {
  if (is_over_) return;
  plan_end(end, std::move(reason));
  lcp_.down(now);
  is_finished_ = true;
  settle(now);
}

void Link::State::finish() {
  if (std::exchange(is_over_, true)) return;
  watch_.reset();
  actions.emplace_back(*planned_end_);
}

void Link::State::note(LinkNote::Level level, std::string text) {
  actions.emplace_back(LinkNote{level, std::move(text)});
}

}  // namespace isthmus::ppp
