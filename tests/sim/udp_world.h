// A public network for simulations, as far as UDP sees it: addresses, NATs, loss, reordering, duplication, a
// path MTU.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "esp/probe.h"
#include "net/endpoint.h"

namespace isthmus::session::testing {

inline IpAddress address(const char* text) {
  return IpAddress::parse(text).value();
}

// A NAT with one mapping, whatever the destination, that lets in only who was sent to (RFC 4787:
// endpoint-independent mapping, address- and port-dependent filtering).
struct Nat {
  Endpoint outside;
  std::set<Endpoint> allowed;
};

struct Host {
  std::vector<IpAddress> addresses;
  std::uint16_t port = 0;
  std::optional<Nat> nat;

  // How the world sees what it sends to an address of this family.
  [[nodiscard]] std::optional<Endpoint> source(Family family) const {
    if (nat && nat->outside.address.family() == family) return nat->outside;
    if (nat) return std::nullopt;
    const auto own = std::ranges::find(addresses, family, &IpAddress::family);
    return own == addresses.end() ? std::nullopt : std::optional{Endpoint{*own, port}};
  }
  [[nodiscard]] bool gets(const Endpoint& from, const Endpoint& to) const {
    if (nat) return nat->outside == to && nat->allowed.contains(from);
    return to.port == port && std::ranges::find(addresses, to.address) != addresses.end();
  }
};

struct Datagram {
  Endpoint from, to;
  Bytes octets;
  std::optional<std::uint32_t> id;  // of the packet in it
  bool is_copy = false;
};

struct UdpFaults {
  unsigned loss = 0, duplication = 0;  // of a hundred
  Duration latency = std::chrono::milliseconds{10};
  Duration ipv6_detour{};  // by so much IPv6 is slower
  Duration jitter{};       // which reorders
  std::size_t mtu = 1500;
  bool is_shut = false;
  std::optional<std::size_t> shut_from;  // only what this host sends
  std::set<IpAddress> unreachable;
};

class UdpWorld {
 public:
  explicit UdpWorld(std::uint64_t seed) : engine_(seed) {}

  UdpFaults faults;
  Host hosts[2];
  std::set<std::uint32_t> lost;  // packets that the world has taken

  void send(Instant now, std::size_t host, Datagram datagram) {
    Host& sender = hosts[host];
    const std::optional<Endpoint> source = sender.source(datagram.to.address.family());
    const std::size_t size = esp::outer_size(datagram.octets.size(), datagram.to.address.family());
    const bool is_shut = faults.is_shut || faults.shut_from == host;
    if (sender.nat) sender.nat->allowed.insert(datagram.to);
    if (!source || is_shut || size > faults.mtu || chance(faults.loss) ||
        faults.unreachable.contains(datagram.to.address))
      return lose(datagram);
    datagram.from = *source;
    if (chance(faults.duplication)) {
      Datagram copy = datagram;
      copy.is_copy = true;
      const Duration time = delay(copy) + faults.latency;
      travelling_.emplace(now + time, std::move(copy));
    }
    const Duration time = delay(datagram);
    travelling_.emplace(now + time, std::move(datagram));
  }

  // What arrives by `now`: host and datagram.
  std::vector<std::pair<std::size_t, Datagram>> arrivals(Instant now) {
    std::vector<std::pair<std::size_t, Datagram>> arrived;
    while (!travelling_.empty() && travelling_.begin()->first <= now) {
      Datagram datagram = std::move(travelling_.begin()->second);
      travelling_.erase(travelling_.begin());
      const std::size_t host = hosts[0].gets(datagram.from, datagram.to) ? 0 : 1;
      if (hosts[host].gets(datagram.from, datagram.to) && !faults.is_shut) {
        arrived.emplace_back(host, std::move(datagram));
      } else {
        lose(datagram);
      }
    }
    return arrived;
  }

  bool chance(unsigned percent) { return engine_() % 100 < percent; }
  std::uint64_t draw() { return engine_(); }

 private:
  void lose(const Datagram& datagram) {
    if (datagram.id && !datagram.is_copy) lost.insert(*datagram.id);
  }
  Duration delay(const Datagram& datagram) {
    const auto jitter = static_cast<std::uint64_t>(faults.jitter.count());
    const Duration detour = datagram.to.address.is_v4() ? Duration{} : faults.ipv6_detour;
    return faults.latency + detour +
           Duration{jitter == 0 ? 0 : static_cast<Duration::rep>(engine_() % jitter)};
  }

  std::mt19937_64 engine_;
  std::multimap<Instant, Datagram> travelling_;
};

}  // namespace isthmus::session::testing
