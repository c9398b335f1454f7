// What a machine is like before we change it, as a value: interfaces, routes, neighbours. Read by io, judged
// by policy.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "net/address.h"
#include "net/endpoint.h"
#include "net/prefix.h"

namespace isthmus {

struct InterfaceFacts {
  std::string name;
  bool is_up = false;
  bool is_loopback = false;
  bool is_point_to_point = false;
  struct Assigned {
    IpAddress address;
    int prefix_length = 0;
    friend bool operator==(const Assigned&, const Assigned&) = default;
  };
  std::vector<Assigned> addresses;
  std::uint32_t mtu = 1500;
  friend bool operator==(const InterfaceFacts&, const InterfaceFacts&) = default;
};

struct RouteFacts {
  Prefix destination;
  std::string interface;
  std::optional<IpAddress> gateway;
  std::uint32_t table = 0;
  std::uint8_t protocol = 0;
  friend bool operator==(const RouteFacts&, const RouteFacts&) = default;
};

struct NeighbourFacts {
  std::string interface;
  IpAddress address;
  bool is_reachable = false;  // REACHABLE, STALE, DELAY, PROBE or PERMANENT, with a link-layer address
  friend bool operator==(const NeighbourFacts&, const NeighbourFacts&) = default;
};

struct HostFacts {
  std::vector<InterfaceFacts> interfaces;
  std::vector<RouteFacts> routes;     // unicast routes of the main table and of our own tables
  std::vector<RouteFacts> fallbacks;  // unreachable routes of our own tables: held when a tunnel is down
  std::vector<NeighbourFacts> neighbours;
  std::vector<IpAddress> proxied;              // answered for by this machine on behalf of others
  std::map<std::string, std::string> sysctls;  // those that a plan may change, by SysctlChange::key

  // The interface, not loopback, with an address whose network contains `address`, or nullptr.
  [[nodiscard]] const InterfaceFacts* interface_towards(const IpAddress& address) const;
  // This machine's own address inside `prefix` (the first on an interface that is up, not loopback, not
  // `except`).
  [[nodiscard]] std::optional<IpAddress> address_within(const Prefix& prefix,
                                                        const std::string& except = {}) const;
  [[nodiscard]] bool owns(const IpAddress& address) const;
  // Whether `address` is that of a host or caller at the far end of another session than that of `own_table`,
  // or somebody else's whom this machine answers for.
  [[nodiscard]] bool is_taken(const IpAddress& address, std::uint32_t own_table) const;
};

}  // namespace isthmus
