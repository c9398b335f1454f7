#include "app/session_datagrams.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "crypto/aead.h"
#include "crypto/cipher_name.h"
#include "io/boot_clock.h"

namespace isthmus::app {
namespace {

// How often the workers' counters are asked for; what the peer is told of packets is older by as much. The
// first while they change.
constexpr Duration kBusyCountInterval = std::chrono::milliseconds{100};
constexpr Duration kCountInterval = std::chrono::milliseconds{500};
// Each costs a thread, a socket with 8 MiB of buffers, and an SA for each direction.
constexpr std::size_t kMostWorkers = 8;

std::string_view name_of(session::Way way) {
  switch (way) {
    case session::Way::kStream:
      return "stream";
    case session::Way::kDatagrams:
      return "datagram";
    case session::Way::kNowhere:
      return "none";
  }
  return "";
}

std::vector<std::string> drops_of(const DatagramPlane& plane) {
  std::vector<std::string> lines;
  const auto add = [&](std::string_view reason, std::uint64_t count) {
    if (count != 0) lines.push_back(fmt::format("{} {}", reason, count));
  };
  const esp::TunnelCounters tunnels = plane.tunnel_counters();
  for (std::size_t i = 0; i < esp::kDropCount; ++i)
    add(esp::name_of(static_cast<esp::Drop>(i)), tunnels.drops[i]);
  const dataplane::PumpCounters pumps = plane.pump_counters();
  add("refused by the tunnel interface", pumps.tun_refused);
  add("not understood from the tunnel interface", pumps.tun_unreadable);
  add("refused by the UDP socket", pumps.udp_refused);
  add("longer than any buffer", pumps.udp_truncated);
  add("no room in the UDP socket", pumps.outbox_full);
  return lines;
}

std::vector<std::string> keys_of(const keying::Rekeyer& rekeyer) {
  std::vector<std::string> lines;
  const Instant now = io::boot_now();
  for (const keying::LiveGeneration& generation : rekeyer.live()) {
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - generation.made).count();
    const bool is_in_use = rekeyer.outward() == generation.number();
    lines.push_back(fmt::format("generation {}: {}, {} s old{}", std::to_underlying(generation.number()),
                                crypto::name_of(generation.sas.cipher), age, is_in_use ? ", in use" : ""));
  }
  return lines;
}

std::vector<std::string> sas_of(const DatagramPlane& plane, const esp::SaLimits& limits) {
  std::vector<std::string> lines;
  for (const esp::SaStatus& sa : plane.sas()) {
    const bool is_out = sa.direction == esp::SaStatus::Direction::kOutbound;
    lines.push_back(fmt::format("{:#010x} {} generation {}, {} packets of {}, {} blocks of {}",
                                std::to_underlying(sa.spi), is_out ? "out" : "in",
                                std::to_underlying(sa.generation), sa.packets, limits.soft_packets, sa.blocks,
                                limits.soft_blocks));
  }
  return lines;
}

}  // namespace

SessionDatagrams::SessionDatagrams(asio::io_context& loop, const Site& site, session::Session& session,
                                   io::Log& log, std::function<void()> turn)
    : loop_(loop), site_(site), session_(session), log_(log), turn_(std::move(turn)) {}

bool SessionDatagrams::are_wanted() const {
  return site_.policy().path != session::PathMode::kStream && session_.takes_datagrams();
}

std::size_t SessionDatagrams::queues_wanted() const {
  if (!are_wanted()) return 1;
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kMostWorkers);
}

// The soft ones may be lower; the hard ones are each SA's own, of which ESN has the higher.
esp::SaLimits SessionDatagrams::sa_limits() const {
  esp::SaLimits limits = esp::SaLimits::of(true);
  limits.soft_packets = site_.policy().soft_limits.packets;
  return limits;
}

Result<void> SessionDatagrams::open(std::shared_ptr<TunPump> tunnel, const OpenSockets& open_sockets) {
  tunnel_ = std::move(tunnel);
  const bool must_be = site_.policy().path == session::PathMode::kDatagram;
  if (!are_wanted()) {
    if (!must_be) return {};
    return fail(
        Error::Code::kUnsupported,
        "--path datagram: the far end takes no ESP in UDP (it speaks none, or has --path stream); with "
        "auto ssh's stream carries the packets");
  }
  if (plane_) return {};
  const Result<void> started = start(open_sockets);
  if (started) return {};
  if (must_be) return fail(started.error().code, "--path datagram: " + started.error().message);
  log_.warning("no datagrams, ssh's stream carries the packets: " + started.error().message);
  return {};
}

Result<void> SessionDatagrams::start(const OpenSockets& open_sockets) {
  TRY(crypto::self_test());
  const std::vector<io::TunQueue>& queues = tunnel_->device().queues();
  std::vector<io::UdpSocket> sockets = TRY(open_sockets(queues.size()));
  plane_ = TRY(DatagramPlane::open(loop_, {.limits = sa_limits()}, queues, std::move(sockets), handlers()));
  count_at_ = io::boot_now();
  return {};
}

DatagramPlane::Handlers SessionDatagrams::handlers() {
  DatagramPlane::Handlers handlers;
  handlers.event = [this](const esp::TunnelEvent& event) { session_.worker_event(io::boot_now(), event); };
  handlers.counted = [this] { session_.counted(plane_->counts()); };
  handlers.too_big = [this](const Endpoint& to, esp::Spi quoted, std::size_t size) {
    session_.too_big(io::boot_now(), to, quoted, size);
  };
  handlers.end_of_batch = [this] { turn_(); };
  handlers.warned = [this](const std::string& line) { log_.warning(line); };
  return handlers;
}

void SessionDatagrams::stop() {
  if (plane_) plane_->stop();
  plane_.reset();
  tunnel_.reset();
  count_at_.reset();
}

std::optional<std::uint16_t> SessionDatagrams::port() const {
  return plane_ ? std::optional{plane_->port()} : std::nullopt;
}

void SessionDatagrams::use(const session::Agreement& agreement, const Selector& selector,
                           session::PathFacts path, const HostFacts& facts) {
  if (!plane_) return;
  plane_->post(selector);
  session::PathOptions options;
  options.mode = site_.policy().path;
  options.keying.workers = plane_->workers();
  options.keying.rekey_after = site_.policy().soft_limits.time;
  options.keying.wishes = {site_.policy().ciphers, !crypto::has_aes_instructions(), false};
  options.port = plane_->port();
  options.own_addresses = own_addresses(agreement, facts);
  const std::optional<IpAddress> likely =
      path.ssh_peers.empty() ? std::nullopt : std::optional{path.ssh_peers.front()};
  session_.use_datagrams(io::boot_now(), std::move(options), std::move(path));
  tell_interface_mtu(facts, likely);
}

// Where a peer outside the tunnel may reach this machine.
std::vector<IpAddress> SessionDatagrams::own_addresses(const session::Agreement& agreement,
                                                       const HostFacts& facts) const {
  std::vector<IpAddress> addresses;
  for (const InterfaceFacts& interface : facts.interfaces) {
    if (!interface.is_up || interface.is_loopback || interface.name == tunnel_->device().name()) continue;
    for (const InterfaceFacts::Assigned& own : interface.addresses) {
      const bool is_tunnelled = std::ranges::any_of(agreement.offered, [&](const Prefix& prefix) {
        return !prefix.is_default() && prefix.contains(own.address);
      });
      if (own.address.is_unicast_host() && !own.address.is_link_local() && !is_tunnelled)
        addresses.push_back(own.address);
    }
  }
  return addresses;
}

void SessionDatagrams::look_at(const session::Agreement& agreement, const HostFacts& facts) {
  if (!plane_) return;
  session_.own_addresses_changed(io::boot_now(), own_addresses(agreement, facts));
  tell_interface_mtu(facts);
}

void SessionDatagrams::tell_interface_mtu(const HostFacts& facts, std::optional<IpAddress> likely) {
  const session::DatagramPath* path = session_.datagrams();
  if (path == nullptr) return;
  if (const std::optional<Endpoint> remote = path->status().remote) likely = remote->address;
  if (!likely) return;
  const InterfaceFacts* interface = facts.interface_towards(*likely);
  if (interface != nullptr) session_.interface_mtu(io::boot_now(), interface->mtu);
}

void SessionDatagrams::obey(keying::WorkerCommand command) {
  if (plane_) plane_->post(std::move(command));
}

void SessionDatagrams::carry(const session::Carry& carry) {
  if (!plane_) return;
  log_.notice(fmt::format("packets go by {}{}{}", name_of(carry.way), carry.reason.empty() ? "" : ": ",
                          carry.reason));
  if (carry.way == session::Way::kDatagrams) {
    is_unread_ = false;
    tunnel_->pause();
    plane_->read_tun();
  } else {
    plane_->leave_tun();
    read_tunnel();
  }
}

// Where this process has no descriptor left for it, tried again with each count.
void SessionDatagrams::read_tunnel() {
  const Result<void> resumed = tunnel_->resume();
  const bool was_read = !std::exchange(is_unread_, !resumed);
  if (!resumed && was_read) log_.error("no packet goes by the stream: " + resumed.error().message);
}

void SessionDatagrams::advance(Instant now) {
  if (!count_at_ || now < *count_at_) return;
  if (is_unread_) read_tunnel();
  session::PathCounts counts = plane_->counts();
  const bool is_busy = counts != std::exchange(last_counts_, counts);
  plane_->ask_counts();
  count_at_ = now + (is_busy ? kBusyCountInterval : kCountInterval);
}

void SessionDatagrams::describe(SessionState& state) const {
  const session::DatagramPath* path = session_.datagrams();
  state.path = name_of(session::Way::kStream);
  if (!plane_ || path == nullptr) return;
  const session::PathStatus status = path->status();
  state.path = name_of(status.way);
  state.path_reason = status.reason;
  state.udp_port = plane_->port();
  if (status.remote) state.udp_remote = status.remote->to_string();
  if (status.round_trip)
    state.path_rtt_microseconds =
        static_cast<std::uint64_t>(*status.round_trip / std::chrono::microseconds{1});
  state.path_mtu = status.outer_mtu.value_or(0);
  state.path_loss_per_mille = status.loss_per_mille;
  const esp::TunnelCounters counters = plane_->tunnel_counters();
  state.packets_sent += counters.packets_sent;
  state.octets_sent += counters.octets_sent;
  state.packets_received += counters.packets_received;
  state.octets_received += counters.octets_received;
  state.dropped += plane_->pump_counters().congested + counters.dropped(esp::Drop::kSelector);
  state.datagram_drops = drops_of(*plane_);
  state.keys = keys_of(path->rekeyer());
  state.sas = sas_of(*plane_, sa_limits());
}

}  // namespace isthmus::app
