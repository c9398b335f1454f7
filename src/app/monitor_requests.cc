// What a monitor does when its engine asks.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/monitor.h"
#include "io/boot_clock.h"
#include "io/firewall_facts.h"
#include "io/host_facts_reader.h"
#include "io/udp_socket.h"
#include "io/watch.h"

namespace isthmus::app {
namespace {

// One carries, one is on its way, others may be on theirs out.
constexpr std::ptrdiff_t kMostCalls = 8;
// A session dials about once a second, and at once when the network changes.
constexpr std::size_t kMostDials = 40;
constexpr Duration kDialsWithin = std::chrono::seconds{20};
// From Undo to the engine's end: ssh carries the goodbye.
constexpr Duration kLastWords = std::chrono::seconds{10};

std::vector<std::string> addresses_of(const std::vector<Endpoint>& endpoints) {
  std::vector<std::string> texts;
  for (const Endpoint& endpoint : endpoints) texts.push_back(endpoint.address.to_string());
  return texts;
}

}  // namespace

// Without what sessions still have that give way to this one: it is going, and must not be taken for a clash.
Result<HostFacts> Monitor::read_facts() const {
  HostFacts facts =
      TRY(io::read_host_facts(interface_.empty() ? setup_.site.likely_interface() : interface_));
  for (const SessionState& going : going_) forget(going, facts);
  return facts;
}

Monitor::Answer Monitor::answer_with(Result<Answer> done) {
  if (done) return std::move(*done);
  return {encode_reply<void>(std::unexpected(done.error())), {}};
}

Monitor::Answer Monitor::on(const ReadFacts&) {
  return {encode_reply(read_facts()), {}};
}

Monitor::Answer Monitor::on(const ReadFirewall&) {
  return {encode_reply(io::read_firewall_listing()), {}};
}

// What ssh has shown of it, not what it says of itself.
void Monitor::note_far_end(const MonitoredLeg& leg) {
  if (leg.ssh) state_.outer = addresses_of(leg.ssh->endpoints().own);
}

Monitor::Answer Monitor::on(const AskEndpoints& request) {
  const MonitoredLeg* leg = find(request.leg);
  LegEndpoints endpoints;
  if (leg != nullptr) endpoints = leg->endpoints();
  return {encode_reply(Result<LegEndpoints>{std::move(endpoints)}), {}};
}

Monitor::Answer Monitor::on(const Judged& request) {
  return {encode_reply(judge(request)), {}};
}

Result<void> Monitor::judge(const Judged& request) {
  const MonitoredLeg* leg = find(request.leg);
  if (leg == nullptr) return fail(Error::Code::kRefused, "judge a peer: there is no such stream");
  const HostFacts facts = TRY(read_facts());
  return rules_->judged(request, leg->outer(), facts);
}

Monitor::Answer Monitor::on(const Join& request) {
  return {encode_reply(join(request)), {}};
}

Result<void> Monitor::join(const Join& request) {
  MonitoredLeg* leg = find(request.leg);
  if (setup_.plan_only || !has_interface() || leg == nullptr)
    return fail(Error::Code::kRefused,
                "join: there is no such stream, or no interface, or the session is over");
  const OuterPath outer = leg->outer();
  const HostFacts facts = TRY(read_facts());
  RoutePlanInput input = TRY(rules_->plan_for(request, interface_, outer, facts));
  input.datagram_port = port_;
  if (leg->ssh) leg->ssh->note_reached();
  const RoutePlan plan = make_route_plan(input, facts);
  // The filter stands before the first packet can come out of the tunnel.
  if (!is_interface_up_) TRY(routes_.bring_to({.lasting = plan.lasting, .while_up = {}, .warnings = {}}));
  if (!is_interface_up_) TRY(io::TunDevice::set_up(interface_));
  is_interface_up_ = true;
  return routes_.bring_to(plan);
}

// The engine can let it go, and then the name may be another's.
bool Monitor::has_interface() {
  return !interface_.empty() && routes_.applier().has_interface().value_or(false);
}

Monitor::Answer Monitor::on(const Suspend&) {
  return {encode_reply(Result<std::vector<Error>>{routes_.suspend()}), {}};
}

Monitor::Answer Monitor::on(const Resume&) {
  if (!has_interface())
    return {encode_reply<void>(fail(Error::Code::kRefused, "resume: there is no interface")), {}};
  return {encode_reply(routes_.resume()), {}};
}

Monitor::Answer Monitor::on(const PutBack&) {
  return {encode_reply(Result<io::HostApplier::PutBack>{routes_.put_back()}), {}};
}

Monitor::Answer Monitor::on(const Undo&) {
  is_undone_ = true;
  if (has_interface()) std::ignore = io::TunDevice::set_down(interface_);
  patience_->set(io::boot_now() + kLastWords);
  std::vector<Error> left = routes_.undo();
  remove_state(dir_, setup_.session);
  return {encode_reply(Result<std::vector<Error>>{std::move(left)}), {}};
}

Monitor::Answer Monitor::on(const OpenTunnel& request) {
  return answer_with(open_tunnel(request));
}

// One a session: the engine has its only descriptors, and with them it goes.
Result<Monitor::Answer> Monitor::open_tunnel(const OpenTunnel& request) {
  TRY(EngineRules::check(request));
  if (!interface_.empty() || setup_.plan_only)
    return fail(Error::Code::kRefused, "open a tunnel interface: the session has one, or is over");
  const std::string& wished = setup_.site.policy().interface;
  io::TunDevice device =
      TRY(routes_.applier().open_tun(wished.empty() ? io::kTunNamePattern : std::string_view{wished},
                                     request.mtu, request.queues, io::TunState::kDown));
  interface_ = device.name();
  const OpenedTunnel opened{interface_, routes_.applier().interface_index(),
                            static_cast<std::uint8_t>(device.offloads())};
  Answer answer{encode_reply(Result<OpenedTunnel>{opened}), {}};
  for (io::TunQueue& queue : device.queues()) answer.fds.push_back(queue.take_fd());
  return answer;
}

Monitor::Answer Monitor::on(const ChangeMtu& request) {
  Result<void> changed = EngineRules::check_mtu(request.mtu);
  if (changed && !has_interface()) changed = fail(Error::Code::kRefused, "set an MTU: there is no interface");
  if (changed) changed = io::TunDevice::change_mtu_of(interface_, request.mtu);
  return {encode_reply(changed), {}};
}

Monitor::Answer Monitor::on(const OpenSockets& request) {
  return answer_with(open_sockets(request));
}

// On the port that policy names, else on the number that our sshd answered on, else on any.
Result<Monitor::Answer> Monitor::open_sockets(const OpenSockets& request) {
  TRY(EngineRules::check_sockets(request.count));
  if (port_ || rules_->policy().path == session::PathMode::kStream)
    return fail(Error::Code::kRefused, "open UDP sockets: the session has some, or may have none");
  const MonitoredLeg* leg = find(request.leg);
  std::uint16_t answered_at = 0;
  if (leg != nullptr && leg->request.server) answered_at = leg->request.server->port;
  const std::uint16_t wished = rules_->policy().udp_port.value_or(answered_at);
  const std::uint32_t mark = kFirstDatagramMark + routes_.slot();
  const IpAddress any = IpAddress::unspecified(Family::kIpv6);
  auto sockets = io::UdpSocket::open_group({any, wished}, request.count, mark);
  if (!sockets && wished != 0) sockets = io::UdpSocket::open_group({any, 0}, request.count, mark);
  if (!sockets) return std::unexpected(sockets.error());
  port_ = TRY(sockets->front().local()).port;
  if (wished != 0 && *port_ != wished)
    log_.notice(fmt::format("UDP port {} is taken: datagrams come to port {}", wished, *port_));
  Answer answer{encode_reply(Result<void>{}), {}};
  for (io::UdpSocket& socket : *sockets) answer.fds.push_back(socket.take_fd());
  return answer;
}

Monitor::Answer Monitor::on(const DialSsh&) {
  return answer_with(dial());
}

Result<Monitor::Answer> Monitor::dial() {
  const auto calls =
      std::ranges::count_if(legs_, [](const auto& entry) { return entry.second.ssh.has_value(); });
  const Instant now = io::boot_now();
  std::erase_if(dials_, [now](Instant dial) { return now - dial > kDialsWithin; });
  if (!setup_.dial || calls >= kMostCalls || dials_.size() >= kMostDials)
    return fail(Error::Code::kRefused,
                "dial: this session is called, over, or has dialled too often at once");
  dials_.push_back(now);
  Launcher::Dial dial = TRY(launcher_->dial(host_, node_));
  Dialled dialled{next_leg_++, std::move(dial.why_not)};
  Answer answer;
  if (dial.ssh) answer.fds = TRY(take_ssh(dialled.leg, std::move(*dial.ssh)));
  answer.octets = encode_reply(Result<Dialled>{std::move(dialled)});
  return answer;
}

Result<std::vector<io::UniqueFd>> Monitor::take_ssh(LegId id, Launcher::Ssh ssh) {
  std::vector<io::UniqueFd> fds;
  fds.push_back(std::move(ssh.output));
  fds.push_back(std::move(ssh.input));
  fds.push_back(std::move(ssh.errors));
  MonitoredLeg leg;
  TRY(io::watch(leg.end.emplace(loop_), ssh.process.pidfd(), "wait for the end of ssh"));
  leg.ssh.emplace(std::move(ssh.process));
  legs_.emplace(id, std::move(leg));
  wait_ssh(id);
  return fds;
}

void Monitor::wait_ssh(LegId id) {
  legs_.at(id).end->async_wait(asio::posix::stream_descriptor::wait_read,
                               [this, id](const asio::error_code& error) {
                                 MonitoredLeg* leg = find(id);
                                 if (error || leg == nullptr) return;
                                 const std::optional<io::ExitStatus> status = leg->ssh->try_wait();
                                 if (!status) return wait_ssh(id);
                                 tell(SshEnded{id, *status});
                                 legs_.erase(id);
                               });
}

Monitor::Answer Monitor::on(const EndLeg& request) {
  MonitoredLeg* leg = find(request.leg);
  if (leg != nullptr && leg->ssh) leg->ssh->terminate();
  legs_.erase(request.leg);
  return {encode_reply(Result<void>{}), {}};
}

Monitor::Answer Monitor::on(const Note& note) {
  state_.phase = note.phase;
  state_.peer_name = note.peer_name;
  // An adopted login has said whom it comes from; the engine, which has read more, does not make it
  // another's.
  if (!state_.is_adopted || state_.peer_host.empty()) state_.peer_host = note.peer_host;
  state_.peer_node = note.peer_node;
  state_.proof = note.proof;
  state_.accepted = note.accepted;
  state_.offered = note.offered;
  state_.local_ipv4 = note.local_ipv4;
  state_.remote_ipv4 = note.remote_ipv4;
  state_.mtu = note.mtu;
  state_.up_since = note.up_since;
  state_.interface = interface_;
  if (!is_undone_) save_state();
  return {encode_reply(Result<void>{}), {}};
}

// Whoever waits for the first proof lets go of the terminal; the engine lets go of its standard streams.
Monitor::Answer Monitor::on(const TellProven& request) {
  Answer answer{encode_reply(Result<void>{}), {}};
  if (!setup_.when_proven || is_proven_) return answer;
  is_proven_ = true;
  if (const Result<void> left = launcher_->leave_terminal(); !left) log_.warning(left.error().message);
  setup_.when_proven(static_cast<config::ExitCode>(request.exit_code));
  answer.fds.emplace_back(::open("/dev/null", O_RDWR | O_CLOEXEC));
  return answer;
}

}  // namespace isthmus::app
