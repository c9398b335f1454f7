#include "net/own_networks.h"

#include <algorithm>
#include <array>

#include "net/host_change.h"

namespace isthmus {
namespace {

constexpr std::uint32_t kMainTable = 254;

Prefix prefix(const char* text) {
  return *Prefix::parse(text);
}

bool any_contains(const std::vector<Prefix>& prefixes, const Prefix& inner) {
  return std::ranges::any_of(prefixes, [&](const Prefix& outer) { return outer.contains(inner); });
}

bool any_strictly_contains(const std::vector<Prefix>& prefixes, const Prefix& inner) {
  return std::ranges::any_of(prefixes,
                             [&](const Prefix& outer) { return outer.contains(inner) && outer != inner; });
}

// Space that no stranger on the way can be reached at, so that a hostile DHCP server gains nothing by
// assigning it.
bool is_private(const Prefix& network) {
  static const std::vector<Prefix> kPrivate = {prefix("10.0.0.0/8"), prefix("172.16.0.0/12"),
                                               prefix("192.168.0.0/16"), prefix("100.64.0.0/10"),
                                               prefix("fc00::/7")};
  return any_contains(kPrivate, network);
}

// Routes that a router or a DHCP server made.
bool is_from_the_network(std::uint8_t protocol) {
  constexpr std::array<std::uint8_t, 3> kLearned{1, 9, 16};  // rtnetlink's redirect, ra, dhcp
  return std::ranges::find(kLearned, protocol) != kLearned.end();
}

// Never a unicast destination beyond a gateway; a default route of ours would swallow them.
std::vector<Prefix> local_scopes() {
  return {prefix("169.254.0.0/16"), prefix("224.0.0.0/4"), prefix("255.255.255.255"), prefix("fe80::/10"),
          prefix("ff00::/8")};
}

const RouteFacts* main_route_to(const IpAddress& address, const HostFacts& facts) {
  const RouteFacts* best = nullptr;
  for (const RouteFacts& route : facts.routes) {
    if (route.table != kMainTable || !route.destination.contains(address)) continue;
    if (best == nullptr || route.destination.length() > best->destination.length()) best = &route;
  }
  return best;
}

void add_interfaces_of(const Prefix& offered, const HostFacts& facts, std::set<std::string>& names) {
  for (const InterfaceFacts& interface : facts.interfaces) {
    if (interface.is_loopback) continue;
    const std::vector<Prefix> networks = connected_networks(interface);
    if (std::ranges::any_of(networks, [&](const Prefix& own) { return own.overlaps(offered); }))
      names.insert(interface.name);
  }
  for (const RouteFacts& route : facts.routes) {
    if (route.table == kMainTable && offered.contains(route.destination)) names.insert(route.interface);
  }
}

}  // namespace

std::vector<Prefix> connected_networks(const InterfaceFacts& interface) {
  std::vector<Prefix> networks;
  for (const InterfaceFacts::Assigned& own : interface.addresses) {
    const Prefix network = Prefix::around(own.address, own.prefix_length);
    if (!network.is_host() && !own.address.is_link_local()) networks.push_back(network);
  }
  return networks;
}

std::set<std::string> outward_interfaces(const std::vector<Endpoint>& outer, const HostFacts& facts,
                                         const std::string& tunnel) {
  std::set<std::string> names;
  for (const Endpoint& endpoint : outer) {
    if (const RouteFacts* route = main_route_to(endpoint.address, facts)) names.insert(route->interface);
  }
  for (const RouteFacts& route : facts.routes) {
    if (route.table == kMainTable && route.destination.is_default()) names.insert(route.interface);
  }
  names.erase(tunnel);
  return names;
}

std::set<std::string> offered_interfaces(const std::vector<Prefix>& offered, const HostFacts& facts,
                                         const std::string& tunnel) {
  std::set<std::string> names;
  for (const Prefix& prefix : offered) {
    std::set<std::string> found;
    if (!prefix.is_default()) add_interfaces_of(prefix, facts, found);
    // A network behind another router, or everything: what the main table says.
    const RouteFacts* route = found.empty() ? main_route_to(prefix.address(), facts) : nullptr;
    const bool leads_there = route != nullptr && (prefix.is_default() || !route->destination.is_default());
    if (leads_there) found.insert(route->interface);
    names.merge(found);
  }
  names.erase(tunnel);
  return names;
}

std::vector<RouteFacts> own_routes(const std::vector<Prefix>& offered, const std::vector<Endpoint>& outer,
                                   const std::string& tunnel, const HostFacts& facts) {
  const std::set<std::string> outward = outward_interfaces(outer, facts, tunnel);
  std::vector<RouteFacts> own;
  for (const RouteFacts& route : facts.routes) {
    if (route.table != kMainTable || route.destination.is_default() || route.interface == tunnel) continue;
    // TunnelVision: routes pushed by DHCP or made towards the outside do not take traffic out of the tunnel.
    const bool is_trusted = !outward.contains(route.interface) && !is_from_the_network(route.protocol);
    if (is_trusted || any_contains(offered, route.destination)) own.push_back(route);
  }
  return own;
}

std::vector<Prefix> own_networks_within(const OwnNetworksInput& input, const HostFacts& facts) {
  const std::set<std::string> outward = outward_interfaces(input.outer, facts, input.tunnel);
  std::vector<Prefix> own = local_scopes();

  for (const InterfaceFacts& interface : facts.interfaces) {
    if (interface.is_loopback || !interface.is_up || interface.name == input.tunnel) continue;
    // TunnelCrack: a network assigned by a stranger could claim the remote one's public addresses.
    for (const Prefix& network : connected_networks(interface)) {
      const bool is_trusted = !outward.contains(interface.name) || is_private(network);
      if (is_trusted || any_contains(input.offered, network)) own.push_back(network);
    }
  }
  for (const RouteFacts& route : own_routes(input.offered, input.outer, input.tunnel, facts))
    own.push_back(route.destination);

  std::erase_if(own, [&](const Prefix& network) { return !any_strictly_contains(input.accepted, network); });
  std::ranges::sort(own);
  const auto repeated = std::ranges::unique(own);
  own.erase(repeated.begin(), repeated.end());
  // What the peer was accepted for by name stays in the tunnel even inside a network of ours.
  std::erase_if(own, [&](const Prefix& network) {
    return std::ranges::find(input.accepted, network) != input.accepted.end();
  });
  return own;
}

std::vector<Prefix> without_contained(std::vector<Prefix> prefixes) {
  std::ranges::sort(prefixes);
  const auto repeated = std::ranges::unique(prefixes);
  prefixes.erase(repeated.begin(), repeated.end());
  const std::vector<Prefix> all = prefixes;
  std::erase_if(prefixes, [&](const Prefix& inner) { return any_strictly_contains(all, inner); });
  return prefixes;
}

}  // namespace isthmus
