#include "app/monitor_client.h"

#include <utility>

#include "io/firewall_facts.h"
#include "io/shared_octets.h"

namespace isthmus::app {
Result<Begun> MonitorClient::wait_begin() {
  const io::ControlMessage message = TRY(channel_.wait());
  return decode_reply_octets<Begun>(bytes_of(message.payload));
}

Result<Bytes> MonitorClient::exchange(const MonitorRequest& request, std::span<const int> fds) {
  const RequestOctets octets = TRY(encode_monitor_request(request));
  TRY(channel_.send(text_of(octets), fds));
  io::ControlMessage message = TRY(channel_.wait());
  received_ = std::move(message.fds);
  const ConstBytes answer = bytes_of(message.payload);
  const bool is_beside = answer.front() == kAnswerIsBeside;
  if (!is_beside) return Bytes{answer.begin() + 1, answer.end()};
  if (received_.empty()) return fail(Error::Code::kProtocol, "the monitor's answer is not there");
  Bytes shared = TRY(io::read_shared_octets(received_.front()));
  received_.erase(received_.begin());
  return shared;
}

template <typename T>
Result<T> MonitorClient::ask(const MonitorRequest& request, std::span<const int> fds) {
  return decode_reply_octets<T>(TRY(exchange(request, fds)));
}

Result<HostFacts> MonitorClient::read_facts() {
  return ask<HostFacts>(ReadFacts{});
}

Result<FirewallFacts> MonitorClient::read_firewall() {
  return io::parse_firewall_listing(TRY(ask<io::FirewallListing>(ReadFirewall{})));
}

Result<Rivals> MonitorClient::look_for_rivals(LegId leg, const session::HostId& host) {
  return ask<Rivals>(LookForRivals{leg, host});
}

std::string MonitorClient::find_twin(const session::NodeId& node) {
  return ask<std::string>(FindTwin{node}).value_or(std::string{});
}

LegEndpoints MonitorClient::endpoints(LegId leg) {
  return ask<LegEndpoints>(AskEndpoints{leg}).value_or(LegEndpoints{});
}

std::vector<std::string> MonitorClient::outer_of_session(const std::string& session) {
  return ask<std::vector<std::string>>(ReadOuter{session}).value_or(std::vector<std::string>{});
}

Result<void> MonitorClient::judged(LegId leg, const std::optional<session::Hello>& hello) {
  return ask<void>(Judged{leg, hello});
}

Result<void> MonitorClient::join(LegId leg, const session::Agreement& agreement) {
  Join request{
      .leg = leg, .accepted = agreement.accepted, .offered = agreement.offered, .ipv4 = {}, .ipv6 = {}};
  if (agreement.ipv4) request.ipv4 = {agreement.ipv4->local, agreement.ipv4->remote};
  if (agreement.ipv6)
    request.ipv6 = {agreement.ipv6->local_interface_id, agreement.ipv6->remote_interface_id};
  return ask<void>(request);
}

std::vector<Error> MonitorClient::suspend() {
  const auto left = ask<std::vector<Error>>(Suspend{});
  return left ? *left : std::vector{left.error()};
}

Result<void> MonitorClient::resume() {
  return ask<void>(Resume{});
}

io::HostApplier::PutBack MonitorClient::put_back() {
  auto done = ask<io::HostApplier::PutBack>(PutBack{});
  return done ? std::move(*done) : io::HostApplier::PutBack{.restored = {}, .failures = {done.error()}};
}

std::vector<Error> MonitorClient::undo() {
  const auto left = ask<std::vector<Error>>(Undo{});
  return left ? *left : std::vector{left.error()};
}

Result<MonitorClient::Tunnel> MonitorClient::open_tunnel(int mtu, std::size_t queues) {
  OpenedTunnel opened = TRY(ask<OpenedTunnel>(OpenTunnel{mtu, static_cast<std::uint8_t>(queues)}));
  if (received_.empty()) return fail(Error::Code::kProtocol, "the monitor's answer has no queue");
  const auto offloads = static_cast<io::TunOffloads>(opened.offloads);
  return Tunnel{io::TunDevice::adopt(std::move(opened.name), offloads, std::move(received_)), opened.index};
}

Result<void> MonitorClient::change_mtu(int mtu) {
  return ask<void>(ChangeMtu{mtu});
}

Result<std::vector<io::UdpSocket>> MonitorClient::open_sockets(LegId leg, std::size_t count) {
  TRY(ask<void>(OpenSockets{leg, static_cast<std::uint8_t>(count)}));
  std::vector<io::UdpSocket> sockets;
  for (io::UniqueFd& fd : received_) sockets.push_back(TRY(io::UdpSocket::adopt(std::move(fd))));
  if (sockets.size() != count) return fail(Error::Code::kProtocol, "the monitor's answer lacks sockets");
  return sockets;
}

Result<MonitorClient::Ssh> MonitorClient::dial(config::SshDiagnosis& why_not) {
  Dialled dialled = TRY(ask<Dialled>(DialSsh{}));
  if (dialled.why_not) {
    why_not = std::move(*dialled.why_not);
    return fail(Error::Code::kRefused, why_not.what);
  }
  if (received_.size() != 3) return fail(Error::Code::kProtocol, "the monitor's answer lacks ssh's pipes");
  return Ssh{dialled.leg, std::move(received_[0]), std::move(received_[1]), std::move(received_[2])};
}

void MonitorClient::end(LegId leg) {
  std::ignore = ask<void>(EndLeg{leg});
}

Result<void> MonitorClient::pass_on(const std::string& session, LegId leg, std::span<const int> fds) {
  return ask<void>(PassOn{session, leg}, fds);
}

void MonitorClient::note(const Note& note) {
  std::ignore = ask<void>(note);
}

io::UniqueFd MonitorClient::tell_proven(std::uint8_t exit_code) {
  const Result<void> told = ask<void>(TellProven{exit_code});
  if (!told || received_.empty()) return {};
  return std::move(received_.front());
}

}  // namespace isthmus::app
