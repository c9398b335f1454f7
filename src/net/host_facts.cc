#include "net/host_facts.h"

#include <algorithm>

#include "net/host_change.h"

namespace isthmus {

const InterfaceFacts* HostFacts::interface_towards(const IpAddress& address) const {
  const InterfaceFacts* best = nullptr;
  int best_length = -1;
  for (const InterfaceFacts& interface : interfaces) {
    if (interface.is_loopback) continue;
    for (const InterfaceFacts::Assigned& own : interface.addresses) {
      if (own.prefix_length <= best_length) continue;
      if (!Prefix::around(own.address, own.prefix_length).contains(address)) continue;
      best = &interface;
      best_length = own.prefix_length;
    }
  }
  return best;
}

std::optional<IpAddress> HostFacts::address_within(const Prefix& prefix, const std::string& except) const {
  for (const InterfaceFacts& interface : interfaces) {
    if (!interface.is_up || interface.is_loopback || interface.name == except) continue;
    for (const InterfaceFacts::Assigned& own : interface.addresses) {
      if (prefix.contains(own.address) && own.address.is_unicast_host()) return own.address;
    }
  }
  return std::nullopt;
}

bool HostFacts::owns(const IpAddress& address) const {
  return std::ranges::any_of(interfaces, [&](const InterfaceFacts& interface) {
    return std::ranges::any_of(interface.addresses, [&](const auto& own) { return own.address == address; });
  });
}

bool HostFacts::is_taken(const IpAddress& address, std::uint32_t own_table) const {
  bool is_others = false;
  bool is_ours = false;
  for (const auto* list : {&routes, &fallbacks}) {
    for (const RouteFacts& route : *list) {
      if (!is_session_table(route.table) || !route.destination.contains(address)) continue;
      if (route.table == own_table) is_ours = true;
      if (route.table != own_table && route.destination.is_host()) is_others = true;
    }
  }
  const bool is_proxied = std::ranges::find(proxied, address) != proxied.end();
  return is_others || (is_proxied && !is_ours);
}

}  // namespace isthmus
