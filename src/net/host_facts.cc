#include "net/host_facts.h"

#include <algorithm>

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

}  // namespace isthmus
