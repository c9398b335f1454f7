// Which of this machine's networks are its own: they stay outside the tunnel when an accepted prefix covers
// them, and they are where offered prefixes live.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "net/endpoint.h"
#include "net/host_facts.h"

namespace isthmus {

// The networks of `interface`'s addresses, without link-local and host prefixes.
std::vector<Prefix> connected_networks(const InterfaceFacts& interface);

// The interfaces that lead to the `outer` endpoints or hold a default route: where a stranger's DHCP server
// or router may have a word (TunnelVision, TunnelCrack).
std::set<std::string> outward_interfaces(const std::vector<Endpoint>& outer, const HostFacts& facts,
                                         const std::string& tunnel);

// The interfaces behind which the `offered` prefixes are, the tunnel and loopback left out. For a default
// prefix that is the default route's interface only.
std::set<std::string> offered_interfaces(const std::vector<Prefix>& offered, const HostFacts& facts,
                                         const std::string& tunnel);

// The main table's routes to networks of ours, connected ones or behind another router of ours: not those
// that lead outside or that a router or DHCP server made, unless they are `offered`.
std::vector<RouteFacts> own_routes(const std::vector<Prefix>& offered, const std::vector<Endpoint>& outer,
                                   const std::string& tunnel, const HostFacts& facts);

struct OwnNetworksInput {
  const std::vector<Prefix>& accepted;
  const std::vector<Prefix>& offered;
  const std::vector<Endpoint>& outer;
  const std::string& tunnel;
};
// What lies inside an accepted prefix and must not go into the tunnel, sorted, each once.
std::vector<Prefix> own_networks_within(const OwnNetworksInput& input, const HostFacts& facts);

// `prefixes` sorted, each once, without those that another one contains.
std::vector<Prefix> without_contained(std::vector<Prefix> prefixes);

}  // namespace isthmus
