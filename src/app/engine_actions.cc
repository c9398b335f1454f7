// What an engine does when its session asks: join, suspend, prove, end.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <utility>

#include "app/engine.h"
#include "io/boot_clock.h"

namespace isthmus::app {
namespace {

using config::ExitCode;

std::vector<std::string> texts(const std::vector<Prefix>& prefixes) {
  std::vector<std::string> lines;
  for (const Prefix& prefix : prefixes) lines.push_back(prefix.to_string());
  return lines;
}

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

io::LogLevel log_level(ppp::LinkNote::Level level) {
  switch (level) {
    case ppp::LinkNote::Level::kNegotiation:
      return io::LogLevel::kNegotiation;
    case ppp::LinkNote::Level::kNotice:
      return io::LogLevel::kInfo;
    case ppp::LinkNote::Level::kWarning:
      return io::LogLevel::kWarning;
  }
  return io::LogLevel::kWarning;
}

std::string probe_line(const session::ProofReport::Probe& probe) {
  const std::string answer = probe.round_trip ? milliseconds_text(*probe.round_trip) : "no answer";
  return fmt::format("{} → {} {:<8} {}", probe.source.to_string(), probe.target.to_string(),
                     probe.is_host ? "host" : "gateway", answer);
}

bool all_answered(const session::ProofReport& report) {
  return std::ranges::all_of(report.probes, [](const auto& probe) { return probe.round_trip.has_value(); });
}

// Ours: of hosts near us, seen from their own gateway; of the far gateway and its hosts, through the tunnel.
void sort_probes(PathFacts& path, const session::ProofReport& ours,
                 const std::optional<session::Ready>& ready) {
  for (const auto& probe : ours.probes) {
    const bool is_answered = probe.round_trip.has_value();
    const bool is_near = ready && std::ranges::find(ready->hosts, probe.target) != ready->hosts.end();
    if (is_near) path.near_hosts.push_back({probe.target, is_answered, std::nullopt});
    if (!is_near && probe.is_host)
      path.far_hosts.push_back({probe.target, is_answered, std::nullopt, std::nullopt});
    const bool is_from_tunnel =
        ready && std::ranges::find(ready->gateways, probe.source) == ready->gateways.end();
    if (!probe.is_host && is_from_tunnel && is_answered) path.known_to_far_gateway = probe.source;
    if (!probe.is_host)
      path.far_gateway_answers_us = path.far_gateway_answers_us.value_or(true) && is_answered;
  }
}

void add_their_probes(PathFacts& path, const session::ProofReport& theirs) {
  for (const auto& probe : theirs.probes) {
    const bool is_answered = probe.round_trip.has_value();
    if (!probe.is_host) path.we_answer_far_gateway = path.we_answer_far_gateway.value_or(true) && is_answered;
    for (NearHost& host : path.near_hosts) {
      if (host.address == probe.target) host.answers_peer = host.answers_peer.value_or(true) && is_answered;
    }
    for (FarHost& host : path.far_hosts) {
      if (host.address != probe.target) continue;
      host.answers_its_gateway = is_answered;
      host.gateway = probe.source;
    }
  }
}

// A proof without a packet explains nothing by itself.
std::string why_unproven(const session::Agreement& agreement, const std::optional<session::Ready>& ready) {
  for (const Prefix& prefix : agreement.offered) {
    const bool has_address = ready && std::ranges::any_of(ready->gateways, [&](const IpAddress& address) {
                               return address.family() == prefix.family();
                             });
    if (!has_address)
      return fmt::format(
          "nothing could be tried: no address of this gateway lies in what it offers, {}; --address "
          "LOCAL:REMOTE "
          "would name one",
          prefix.to_string());
  }
  return "nothing could be tried: the far end named no address in what it offers";
}

std::vector<IpAddress> addresses_of(const std::vector<Endpoint>& endpoints) {
  std::vector<IpAddress> addresses;
  for (const Endpoint& endpoint : endpoints) addresses.push_back(endpoint.address);
  return addresses;
}

// Where no datagram of ours may go, or it would carry itself: all that is routed into the tunnel but for a
// default route, which a rule keeps them out of.
std::vector<Prefix> tunnelled_by(const RoutePlan& plan) {
  std::vector<Prefix> prefixes;
  for (const HostChange& change : plan.while_up) {
    const auto* route = std::get_if<RouteChange>(&change);
    if (route != nullptr && !route->destination.is_default()) prefixes.push_back(route->destination);
  }
  return prefixes;
}

std::string peer_text(const session::Agreement& agreement) {
  return agreement.peer ? fmt::format("with {}", agreement.peer->name) : "with a plain PPP peer";
}

void note_agreement(SessionState& state, const session::Agreement& agreement, int mtu) {
  state.phase = "up";
  state.mtu = mtu;
  state.accepted = texts(agreement.accepted);
  state.offered = texts(agreement.offered);
  if (agreement.ipv4) state.local_ipv4 = agreement.ipv4->local.to_string();
  if (agreement.ipv4) state.remote_ipv4 = agreement.ipv4->remote.to_string();
  state.up_since = std::time(nullptr);
}

}  // namespace

void Engine::on(session::Said& said) {
  log_.write(log_level(said.level), said.text);
}

void Engine::on(ppp::FrameTrace& trace) {
  log_.write(io::LogLevel::kFrame, (trace.outgoing ? "sent " : "rcvd ") + trace.text);
}

void Engine::on(session::Establish& establish) {
  const session::Agreement& agreement = establish.agreement;
  if (setup_.dial && !is_as_asked(agreement)) return;
  if (peer_ && peer_->plan_only) return;
  if (session_->current() != establish.call) return;  // it has ended meanwhile
  const std::optional<LegId> leg = leg_of(establish.call);
  if (!leg) return;
  const Result<void> done = join(agreement, *leg);
  if (!done) session_->routes_failed(io::boot_now(), done.error().message);
}

Result<void> Engine::join(const session::Agreement& agreement, LegId id) {
  const LegEndpoints endpoints = monitor_.endpoints(id);
  const OuterPath outer = outer_of(id, legs_.at(id));
  say_step("link", fmt::format("PPP {}: {}{}", peer_text(agreement), agreement.ipv4 ? "IPv4 " : "",
                               agreement.ipv6 ? "IPv6" : ""));
  const int mtu = agree_mtu(agreement);
  TRY(open_tunnel(mtu));
  mtu_.set(mtu);
  TRY(datagrams_->open(tunnel_, [this, id](std::size_t count) { return monitor_.open_sockets(id, count); }));
  const std::string interface = tunnel_->device().name();
  // Before the first route: whoever looks for rivals must know whose it is.
  state_.interface = interface;
  save_state();
  const HostFacts facts = TRY(monitor_.read_facts());
  RoutePlanInput input = setup_.site.plan_input(agreement, interface, begun_.slot, outer);
  input.datagram_port = datagrams_->port();
  // What the monitor does is the same, from its own judgement; here it is told, and known to the datagrams.
  const RoutePlan plan = make_route_plan(input, facts);
  TRY(monitor_.join(id, agreement));
  selector_ = Site::selector(agreement, interface, outer, facts);
  if (agreement.ipv6) interface_id_ = agreement.ipv6->local_interface_id;
  tell_joined(agreement, plan);
  waiting_for_ = "the proof";
  note_agreement(state_, agreement, mtu);
  save_state();
  const auto& ssh_peers = legs_.at(id).ssh ? endpoints.own : outer.remote;
  datagrams_->use(agreement, selector_,
                  {addresses_of(ssh_peers), tunnelled_by(plan), agreement.ipv6.has_value()}, facts);
  ready_ = setup_.site.ready(agreement, facts);
  session_->routes_ready(io::boot_now(), *ready_);
  return {};
}

void Engine::tell_joined(const session::Agreement& agreement, const RoutePlan& plan) {
  const std::string interface = tunnel_->device().name();
  const std::string addresses = agreement.ipv4 ? fmt::format("{} ↔ {}", agreement.ipv4->local.to_string(),
                                                             agreement.ipv4->remote.to_string())
                                               : std::string{"IPv6 only"};
  say_step("addresses", fmt::format("{} on {}, MTU {}", addresses, interface, *mtu_.wanted()));
  say_step("routes", fmt::format("{} → {}", joined(texts(agreement.accepted)), interface));
  for (const std::string& warning : plan.warnings) {
    log_.record(io::LogLevel::kWarning, warning);
    if (setup_.progress) setup_.progress->detail(warning);
  }
  log_.notice(fmt::format("link up {}: {}, accepted {}, offered {}", peer_text(agreement), addresses,
                          joined(texts(agreement.accepted)), joined(texts(agreement.offered))));
}

Result<void> Engine::open_tunnel(int mtu) {
  if (tunnel_) return monitor_.change_mtu(mtu);
  MonitorClient::Tunnel opened = TRY(monitor_.open_tunnel(mtu, datagrams_->queues_wanted()));
  TunPump::Handlers handlers;
  handlers.packet = [this](MutableBytes octets, std::uint16_t segment_size) {
    session_->enqueue(io::boot_now(), {octets, segment_size});
  };
  handlers.end_of_batch = [this] {
    turn();
    return true;  // the queue drops what is too much, and the fairest way
  };
  auto tunnel = std::make_shared<TunPump>(loop_, std::move(opened.device), std::move(handlers));
  TRY(tunnel->start());
  tunnel_ = std::move(tunnel);
  tunnel_index_ = opened.index;
  return {};
}

int Engine::agree_mtu(const session::Agreement& agreement) {
  mtu_.agreed(std::min<int>(setup_.site.policy().mtu.value_or(1500), agreement.mtu));
  if (!session_->takes_datagrams()) mtu_.datagrams_take(std::nullopt);
  return *mtu_.wanted();
}

void Engine::on(keying::WorkerCommand& command) {
  datagrams_->obey(std::move(command));
}

void Engine::on(session::Carry& carry) {
  datagrams_->carry(carry);
}

void Engine::on(session::SetInnerMtu& set) {
  mtu_.datagrams_take(static_cast<int>(set.mtu));
  follow_mtu(io::boot_now());
}

void Engine::follow_mtu(Instant now) {
  const std::optional<int> mtu = mtu_.due(now);
  if (!tunnel_ || !mtu) return;
  if (const Result<void> changed = monitor_.change_mtu(*mtu); !changed) {
    mtu_.refused(now);
    return log_.warning(changed.error().message);
  }
  mtu_.set(*mtu);
  log_.info(fmt::format("the tunnel's MTU is {} now", *mtu));
  state_.mtu = *mtu;
  save_state();
}

void Engine::look_at_network() {
  const session::Agreement* agreement = session_->agreement();
  if (!tunnel_ || agreement == nullptr) return;
  const Result<HostFacts> facts = monitor_.read_facts();
  if (facts) datagrams_->look_at(*agreement, *facts);
}

void Engine::on(session::Suspend& suspend) {
  log_.notice(fmt::format("link down: {}; traffic to {} is refused until it is back", suspend.reason,
                          joined(state_.accepted)));
  if (setup_.progress && interrupts_ == 0)
    setup_.progress->line(fmt::format("  link       lost: {}", suspend.reason));
  for (const Error& error : monitor_.suspend()) log_.error("could not be taken away: " + error.message);
  state_.phase = "held";
  state_.up_since = 0;
  state_.proof.clear();
  save_state();
}

void Engine::on(session::Resume&) {
  const Result<void> resumed = monitor_.resume();
  if (!resumed) return session_->routes_failed(io::boot_now(), resumed.error().message);
  log_.notice("link up by datagrams, without ssh's stream");
  state_.phase = "up";
  state_.up_since = std::time(nullptr);
  save_state();
}

void Engine::on(session::Prove& prove) {
  const session::Agreement* agreement = session_->agreement();
  if (agreement == nullptr || !ready_ || !tunnel_) return;
  prover_->begin(setup_.site.proof_tasks(*agreement, prove.targets, *ready_), tunnel_index_,
                 [this](std::vector<session::ProofReport::Probe> probes) {
                   session::ProofReport report{std::move(probes), {}};
                   report.remedies = remedies_for(report, nullptr);
                   session_->probed(io::boot_now(), std::move(report));
                   turn();
                 });
}

std::vector<std::string> Engine::remedies_for(const session::ProofReport& ours,
                                              const session::ProofReport* theirs) {
  const session::Agreement* agreement = session_->agreement();
  if (agreement == nullptr || !tunnel_) return {};
  const std::string& interface = tunnel_->device().name();
  const Result<HostFacts> facts = monitor_.read_facts();
  if (!facts) return {};
  PathFacts path = setup_.site.path_facts(*agreement, interface, *facts);
  path.firewall = monitor_.read_firewall().value_or(FirewallFacts{});
  sort_probes(path, ours, ready_);
  if (theirs != nullptr) add_their_probes(path, *theirs);
  std::vector<std::string> remedies = diagnose_path(path);
  if (ours.probes.empty()) remedies.push_back(why_unproven(*agreement, ready_));
  return remedies;
}

void Engine::on(session::Proven& proven) {
  std::vector<std::string> remedies = remedies_for(proven.ours, proven.theirs ? &*proven.theirs : nullptr);
  const bool is_complete = !proven.ours.probes.empty() && all_answered(proven.ours) &&
                           (!proven.theirs || all_answered(*proven.theirs));
  if (proven.theirs)
    remedies.insert(remedies.end(), proven.theirs->remedies.begin(), proven.theirs->remedies.end());
  state_.proof = is_complete ? "complete" : "incomplete";
  state_.remedies = remedies;
  save_state();
  report_proof(proven, remedies);
  exit_code_ = is_complete ? ExitCode::kOk : ExitCode::kProofFailed;
  sign_at_.reset();
  let_go_of_terminal();
}

// With `--detach`, whose waiting command ends here.
void Engine::let_go_of_terminal() {
  const io::UniqueFd null = monitor_.tell_proven(static_cast<std::uint8_t>(exit_code_));
  if (!null.is_open()) return;
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null.get(), fd);
}

void Engine::report_proof(const session::Proven& proven, const std::vector<std::string>& remedies) {
  log_.notice(fmt::format("proof {}", state_.proof));
  for (const std::string& remedy : remedies) log_.record(io::LogLevel::kWarning, remedy);
  if (!setup_.progress) return;
  Progress& progress = *setup_.progress;
  progress.step(io::boot_now(), "proof",
                state_.proof == "complete" ? "packets cross in both directions" : "INCOMPLETE");
  for (const auto& probe : proven.ours.probes) progress.detail("from here   " + probe_line(probe));
  if (proven.theirs) {
    for (const auto& probe : proven.theirs->probes) progress.detail("from there  " + probe_line(probe));
  } else if (peer_) {
    progress.detail("the far end has not reported its half of the proof");
  } else {
    progress.detail(
        "a plain PPP peer proves nothing itself: its way back is proven by our hosts' answers only");
  }
  for (const std::string& remedy : remedies) progress.detail("! " + remedy);
  progress.line(fmt::format("joined in {}{}", seconds_text(progress.elapsed(io::boot_now())),
                            setup_.dial && !setup_.dial->detach ? "; ctrl-C undoes everything" : ""));
}

void Engine::on(session::Ended& ended) {
  std::string text = ended.text;
  if (ended.reason == session::EndReason::kDialFailed && diagnosis_) {
    text = diagnosis_->what + (diagnosis_->remedy.empty() ? "" : "\n  " + diagnosis_->remedy);
  }
  if (text.empty() && signal_ != 0 && state_.proof.empty())
    text = "ended by a signal before the session stood: everything is undone";
  if (ended.reason == session::EndReason::kAddressRefused) text += "\n  " + setup_.site.address_remedy();
  finish(exit_code_of(ended.reason), text);
}

config::ExitCode Engine::exit_code_of(session::EndReason reason) const {
  using session::EndReason;
  const bool never_stood = state_.proof.empty() && !setup_.plan_only && signal_ != 0;
  const bool is_explained = diagnosis_ && diagnosis_->failure != config::SshFailure::kClosed;
  switch (reason) {
    case EndReason::kUndoneByUs:
      if (never_stood) return signal_ == SIGINT ? ExitCode::kInterrupted : ExitCode::kTerminated;
      return plan_code_;
    case EndReason::kUndoneByPeer:
      return ExitCode::kOk;
    case EndReason::kRefusedByPeer:
      return ExitCode::kRefusedThere;
    case EndReason::kRefusedByUs:
    case EndReason::kAddressRefused:
      return ExitCode::kRefusedHere;
    case EndReason::kDialFailed:
      return is_explained ? config::exit_code_of(diagnosis_->failure) : ExitCode::kLinkFailed;
    case EndReason::kHoldExpired:
      return ExitCode::kLinkLost;
    case EndReason::kMachineRefused:
      return ExitCode::kHostRefused;
  }
  return ExitCode::kFailed;
}

}  // namespace isthmus::app
