// The datagrams of a session: the socket and the workers that a session owner has for them.
#include <fmt/format.h>

#include <algorithm>

#include "app/session_owner.h"
#include "crypto/cipher_name.h"
#include "io/boot_clock.h"
#include "io/host_facts_reader.h"

namespace isthmus::app {
namespace {

// Old by so much at most are the counters of the workers that the session hears.
constexpr Duration kCountInterval = std::chrono::milliseconds{250};

std::vector<IpAddress> addresses_of(const std::vector<Endpoint>& endpoints) {
  std::vector<IpAddress> addresses;
  for (const Endpoint& endpoint : endpoints) addresses.push_back(endpoint.address);
  return addresses;
}

// Where a peer outside the tunnel may reach this machine.
std::vector<IpAddress> own_addresses(const HostFacts& facts, const std::string& tunnel,
                                     const std::vector<Prefix>& offered) {
  std::vector<IpAddress> addresses;
  for (const InterfaceFacts& interface : facts.interfaces) {
    if (!interface.is_up || interface.is_loopback || interface.name == tunnel) continue;
    for (const InterfaceFacts::Assigned& own : interface.addresses) {
      const bool is_tunnelled = std::ranges::any_of(offered, [&](const Prefix& prefix) {
        return !prefix.is_default() && prefix.contains(own.address);
      });
      if (own.address.is_unicast_host() && !own.address.is_link_local() && !is_tunnelled)
        addresses.push_back(own.address);
    }
  }
  return addresses;
}

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

}  // namespace

bool SessionOwner::wants_datagrams() const {
  return setup_.site.policy().path != session::PathMode::kStream && session_->takes_datagrams();
}

// Its failure leaves the stream, which carries everything as before.
void SessionOwner::open_datagrams(const Leg* leg) {
  if (datagrams_ || !wants_datagrams()) return;
  const std::uint16_t answered_at = leg != nullptr ? leg->answered_at : std::uint16_t{0};
  DatagramPlane::Handlers handlers;
  handlers.event = [this](const esp::TunnelEvent& event) {
    session_->worker_event(io::boot_now(), event);
    turn();
  };
  handlers.too_big = [this](esp::Spi quoted, std::size_t size) {
    session_->too_big(io::boot_now(), quoted, size);
    turn();
  };
  handlers.warned = [this](const std::string& line) { log_.warning(line); };
  const DatagramPlane::Place place{setup_.site.policy().udp_port.value_or(answered_at),
                                   kFirstDatagramMark + routes_.slot()};
  Result<std::unique_ptr<DatagramPlane>> plane =
      DatagramPlane::open(loop_, place, tunnel_->device().queues(), std::move(handlers));
  if (!plane) return log_.warning("no datagrams, the stream carries the packets: " + plane.error().message);
  datagrams_ = std::move(*plane);
  count_at_ = io::boot_now();
  if (place.port != 0 && datagrams_->port() != place.port) {
    log_.notice(
        fmt::format("UDP port {} is taken: datagrams come to port {}", place.port, datagrams_->port()));
  }
}

void SessionOwner::use_datagrams(const session::Agreement& agreement, const Leg* leg, const OuterPath& outer,
                                 const HostFacts& facts) {
  if (!datagrams_) return;
  datagrams_->post(selector_);
  session::PathOptions options;
  options.mode = setup_.site.policy().path;
  options.keying.workers = datagrams_->workers();
  options.keying.wishes = {setup_.site.policy().ciphers, !crypto::has_aes_instructions(), false};
  options.port = datagrams_->port();
  options.own_addresses = own_addresses(facts, tunnel_->device().name(), agreement.offered);
  session::PathFacts path;
  path.ssh_peers = addresses_of(leg != nullptr && leg->ssh ? leg->ssh->own_endpoints() : outer.remote);
  for (const Prefix& prefix : agreement.accepted)
    if (!prefix.is_default()) path.tunnelled.push_back(prefix);
  if (agreement.ipv4) path.tunnelled.push_back(Prefix::around(agreement.ipv4->remote, 32));
  path.carries_ipv6 = agreement.ipv6.has_value();
  session_->use_datagrams(io::boot_now(), std::move(options), std::move(path));
  tell_interface_mtu(facts);
}

void SessionOwner::tell_interface_mtu(const HostFacts& facts) {
  const session::DatagramPath* path = session_->datagrams();
  const std::optional<Endpoint> remote = path != nullptr ? path->status().remote : std::nullopt;
  if (!remote) return;
  const InterfaceFacts* interface = facts.interface_towards(remote->address);
  if (interface != nullptr) session_->interface_mtu(io::boot_now(), interface->mtu);
}

void SessionOwner::on(session::Command& command) {
  if (datagrams_) datagrams_->post(std::move(command.what));
}

// Both sides read the queues for a moment; a packet goes to one of them.
void SessionOwner::on(session::Carry& carry) {
  if (!datagrams_ || !tunnel_) return;
  log_.notice(fmt::format("packets go by {}{}{}", name_of(carry.way), carry.reason.empty() ? "" : ": ",
                          carry.reason));
  if (carry.way == session::Way::kDatagrams) {
    tunnel_->pause();
    datagrams_->read_tun();
  } else {
    datagrams_->leave_tun();
    tunnel_->resume();
  }
}

void SessionOwner::on(session::SetInnerMtu& set) {
  inner_mtu_ = static_cast<int>(set.mtu);
  if (!tunnel_ || state_.mtu == 0) return;
  const int mtu = tunnel_mtu(agreed_mtu_);
  if (mtu == state_.mtu) return;
  if (const Result<void> changed = tunnel_->device().change_mtu(mtu); !changed)
    return log_.warning(changed.error().message);
  log_.info(fmt::format("the tunnel's MTU is {} now", mtu));
  state_.mtu = mtu;
  save_state();
}

int SessionOwner::tunnel_mtu(int agreed) const {
  const int wished = std::min<int>(setup_.site.policy().mtu.value_or(1500), agreed);
  return inner_mtu_ ? std::min(wished, *inner_mtu_) : wished;
}

void SessionOwner::count_datagrams() {
  if (!datagrams_) return;
  datagrams_->ask_counts();
  session_->counted(datagrams_->counts());
  count_at_ = io::boot_now() + kCountInterval;
}

void SessionOwner::look_at_network() {
  const session::Agreement* agreement = session_->agreement();
  if (!datagrams_ || !tunnel_ || agreement == nullptr) return;
  const Result<HostFacts> facts = io::read_host_facts(tunnel_->device().name());
  if (!facts) return;
  session_->own_addresses_changed(io::boot_now(),
                                  own_addresses(*facts, tunnel_->device().name(), agreement->offered));
  tell_interface_mtu(*facts);
}

void SessionOwner::add_datagrams(SessionState& now) const {
  const session::DatagramPath* path = session_->datagrams();
  now.path = name_of(session::Way::kStream);
  if (!datagrams_ || path == nullptr) return;
  const session::PathStatus status = path->status();
  now.path = name_of(status.way);
  now.path_reason = status.reason;
  now.udp_port = datagrams_->port();
  if (status.remote) now.udp_remote = status.remote->to_string();
  if (status.round_trip)
    now.path_rtt_microseconds = static_cast<std::uint64_t>(*status.round_trip / std::chrono::microseconds{1});
  now.path_mtu = status.outer_mtu.value_or(0);
  now.path_loss_per_mille = status.loss_per_mille;
  const esp::TunnelCounters counters = datagrams_->tunnel_counters();
  now.packets_sent += counters.packets_sent;
  now.octets_sent += counters.octets_sent;
  now.packets_received += counters.packets_received;
  now.octets_received += counters.octets_received;
  for (std::size_t i = 0; i < esp::kDropCount; ++i) {
    if (counters.drops[i] != 0)
      now.datagram_drops.push_back(
          fmt::format("{} {}", esp::name_of(static_cast<esp::Drop>(i)), counters.drops[i]));
  }
  const Instant at = io::boot_now();
  for (const keying::LiveGeneration& generation : path->rekeyer().live()) {
    now.keys.push_back(
        fmt::format("generation {}: {}, {} s old{}", static_cast<std::uint32_t>(generation.number()),
                    crypto::name_of(generation.sas.cipher),
                    std::chrono::duration_cast<std::chrono::seconds>(at - generation.made).count(),
                    path->rekeyer().outward() == generation.number() ? ", in use" : ""));
  }
  for (const esp::SaStatus& sa : datagrams_->sas()) {
    const bool is_out = sa.direction == esp::SaStatus::Direction::kOutbound;
    now.sas.push_back(fmt::format("{:#010x} {} generation {}, {} packets of {}, {} blocks of {}",
                                  static_cast<std::uint32_t>(sa.spi), is_out ? "out" : "in",
                                  static_cast<std::uint32_t>(sa.generation), sa.packets,
                                  esp::SaLimits{}.soft_packets, sa.blocks, esp::SaLimits{}.soft_blocks));
  }
}

}  // namespace isthmus::app
