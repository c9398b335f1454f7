// Addresses, routes, rules and proxy neighbours of this network namespace, by rtnetlink.
//
// What is ours is known by all its attributes and, where the kernel stores one, by kRouteProtocol. add() of
// what is already there as ours succeeds; of what somebody else made with the same identity it is kExists.
// remove() takes away exactly what is ours and succeeds when it is gone already.
#pragma once

#include <vector>

#include "base/result.h"
#include "io/rtnetlink_socket.h"
#include "net/host_change.h"
#include "net/host_facts.h"

namespace isthmus::io {

class Netlink {
 public:
  static Result<Netlink> open();

  Result<void> add(const AddressChange& address);
  Result<void> add(const RouteChange& route);
  Result<void> add(const RuleChange& rule);
  Result<void> add(const ProxyNeighbourChange& neighbour);

  Result<void> remove(const AddressChange& address);
  Result<void> remove(const RouteChange& route);
  Result<void> remove(const RuleChange& rule);
  Result<void> remove(const ProxyNeighbourChange& neighbour);

  // Whether the kernel has it, as ours and with every attribute.
  Result<bool> has(const AddressChange& address);
  Result<bool> has(const RouteChange& route);
  Result<bool> has(const RuleChange& rule);
  Result<bool> has(const ProxyNeighbourChange& neighbour);

  // 0 if there is no such interface.
  Result<std::uint32_t> interface_index(const std::string& name);

  // For HostFacts; host_facts_reader.h puts them together.
  Result<std::vector<InterfaceFacts>> interfaces();
  Result<std::vector<RouteFacts>> routes();     // unicast, of the main table and of our tables
  Result<std::vector<RouteFacts>> fallbacks();  // unreachable ones of our tables
  Result<std::vector<NeighbourFacts>> neighbours();
  Result<std::vector<IpAddress>> proxied();  // anybody's proxy neighbours

 private:
  explicit Netlink(RtnetlinkSocket socket) : socket_(std::move(socket)) {}

  RtnetlinkSocket socket_;
};

}  // namespace isthmus::io
