// PeerAddressPolicy of policy.h: which addresses may stand at the two ends of the link.
#include <algorithm>

#include "base/guard.h"
#include "config/policy.h"

namespace isthmus::config {
namespace {

std::optional<IpAddress> written(const PeerPolicy& policy, const IpAddress& address, bool is_local) {
  const AddressPair& pair = address.is_v4() ? policy.ipv4 : policy.ipv6;
  return is_local ? pair.local : pair.remote;
}

bool contains(const std::vector<Prefix>& prefixes, const IpAddress& address) {
  return std::ranges::any_of(prefixes, [&](const Prefix& prefix) { return prefix.contains(address); });
}

bool is_denied(const PeerPolicy& policy, const IpAddress& address) {
  return contains(policy.denies, address);
}

}  // namespace

PeerAddressPolicy::PeerAddressPolicy(PeerPolicy policy, HostFacts facts, std::uint32_t own_table)
    : policy_(std::move(policy)), facts_(std::move(facts)), own_table_(own_table) {}

bool PeerAddressPolicy::permits_remote(const IpAddress& address) const {
  const bool may_be = address.is_unicast_host() && !facts_.owns(address) && !is_denied(policy_, address);
  if (!guard<Guard::kPeerAddress>(may_be)) return false;
  if (const auto fixed = written(policy_, address, false)) return *fixed == address;
  if (!guard<Guard::kPeerAddress>(!facts_.is_taken(address, own_table_))) return false;
  if (std::ranges::find(policy_.assign, address) != policy_.assign.end()) return true;
  // A stranger inside our LAN would be some host's double; a proxied part of it was accepted by name.
  const bool is_in_our_lan = facts_.interface_towards(address) != nullptr;
  const bool is_by_name = std::ranges::any_of(policy_.accepts, [&](const Prefix& prefix) {
    return prefix.contains(address) && policy_.proxy_arp && !prefix.is_default();
  });
  if (!guard<Guard::kPeerAddress>(!is_in_our_lan || is_by_name)) return false;
  return guard<Guard::kPeerAddress>(contains(policy_.accepts, address));
}

bool PeerAddressPolicy::permits_local(const IpAddress& address) const {
  if (!guard<Guard::kGivenAddress>(address.is_unicast_host() && !is_denied(policy_, address))) return false;
  if (const auto fixed = written(policy_, address, true)) return *fixed == address;
  if (facts_.owns(address)) return guard<Guard::kGivenAddress>(contains(policy_.offers, address));
  // Somebody who offers a network has an address in it; only a caller without one takes what it is given.
  if (!guard<Guard::kGivenAddress>(policy_.offers.empty())) return false;
  if (!guard<Guard::kGivenAddress>(facts_.interface_towards(address) == nullptr)) return false;
  return guard<Guard::kGivenAddress>(contains(policy_.accepts, address));
}

}  // namespace isthmus::config
