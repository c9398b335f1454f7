#include "app/ppp_changes.h"

#include <algorithm>
#include <array>

namespace isthmus::app {
namespace {

constexpr std::uint32_t kMainTable = 254;
constexpr std::uint8_t kFlag = 0x7E, kAllStations = 0xFF;

RouteChange route_to_peer(const std::string& interface, const IpAddress& peer) {
  return {.destination = Prefix::around(peer, peer.bits()),
          .kind = RouteKind::kUnicast,
          .interface = interface,
          .source = std::nullopt,
          .table = kMainTable,
          .metric = 0};
}

void wish_default_route(const std::string& interface, const HostFacts& facts, PppChanges& out) {
  for (const RouteFacts& route : facts.routes) {
    if (route.table != kMainTable || !route.destination.is_default() ||
        route.destination.family() != Family::kIpv4)
      continue;
    out.omitted.push_back("defaultroute: there is a default route by " + route.interface + ", which stays");
    return;
  }
  RouteChange everything = route_to_peer(interface, IpAddress{});
  everything.destination = Prefix{};
  out.wished.emplace_back(everything);
}

void wish_proxy_arp(const std::string& interface, const IpAddress& remote, const HostFacts& facts,
                    PppChanges& out) {
  const InterfaceFacts* const lan = facts.interface_towards(remote);
  if (lan == nullptr || lan->name == interface || lan->is_point_to_point) {
    out.omitted.push_back("proxyarp: no interface here has a network that holds " + remote.to_string());
    return;
  }
  out.wished.emplace_back(ProxyNeighbourChange{lan->name, remote});
}

}  // namespace

PppChanges ipv4_changes(const std::string& interface, const ppp::Ipv4Up& up,
                        const config::PppOptions& options, const HostFacts& facts) {
  PppChanges out;
  out.needed.emplace_back(AddressChange{interface, up.local, up.local.bits(), up.remote});
  RouteChange to_peer = route_to_peer(interface, up.remote);
  to_peer.source = up.local;
  out.needed.emplace_back(to_peer);
  if (options.default_route) wish_default_route(interface, facts, out);
  if (options.proxy_arp) wish_proxy_arp(interface, up.remote, facts, out);
  return out;
}

PppChanges ipv6_changes(const std::string& interface, const ppp::Ipv6Up& up) {
  const IpAddress local = link_local_address(up.local_interface_id);
  const IpAddress remote = link_local_address(up.remote_interface_id);
  PppChanges out;
  // The way to an IPv6 peer is made by the kernel, with the address.
  out.needed.emplace_back(AddressChange{interface, local, local.bits(), remote});
  return out;
}

IpAddress link_local_address(std::uint64_t interface_id) {
  std::array<std::uint8_t, 16> octets{0xFE, 0x80};
  for (std::size_t place = 0; place < 8; ++place)
    octets[15 - place] = static_cast<std::uint8_t>(interface_id >> (8 * place));
  return IpAddress::from_octets(octets).value_or(IpAddress{});
}

int interface_mtu(const config::PppOptions& options, std::uint16_t peer_mru) {
  constexpr std::uint16_t kUsual = 1500;  // a peer that takes more is not sent more unless `mtu` says so
  return std::min(options.mtu.value_or(kUsual), peer_mru);
}

config::PppExit exit_of(ppp::LinkEnd end) {
  switch (end) {
    case ppp::LinkEnd::kClosedByUs:
      return config::PppExit::kUserRequest;
    case ppp::LinkEnd::kTerminatedByPeer:
    case ppp::LinkEnd::kCarrierLost:
      return config::PppExit::kHangup;
    case ppp::LinkEnd::kPeerDead:
      return config::PppExit::kPeerDead;
    case ppp::LinkEnd::kNegotiationFailed:
    case ppp::LinkEnd::kRefused:
      return config::PppExit::kNegotiationFailed;
    case ppp::LinkEnd::kLoopback:
      return config::PppExit::kLoopback;
  }
  return config::PppExit::kFatal;
}

bool PppAddressPolicy::permits_remote(const IpAddress& address) const {
  return address.is_unicast_host() && !facts_.owns(address);
}

bool PppAddressPolicy::permits_local(const IpAddress& address) const {
  return address.is_unicast_host();
}

bool has_frame_start(ConstBytes octets) {
  constexpr std::array<std::uint8_t, 2> kStart{kFlag, kAllStations};
  return !std::ranges::search(octets, kStart).empty();
}

}  // namespace isthmus::app
