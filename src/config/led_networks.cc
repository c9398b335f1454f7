// To which networks this machine leads: unled_offers and lendable_networks of policy.h.
#include <fmt/format.h>

#include <algorithm>

#include "config/policy.h"
#include "net/own_networks.h"

namespace isthmus::config {
namespace {

bool holds_address_in(const Prefix& prefix, const HostFacts& facts) {
  return std::ranges::any_of(facts.interfaces, [&](const InterfaceFacts& interface) {
    return std::ranges::any_of(interface.addresses,
                               [&](const auto& own) { return prefix.contains(own.address); });
  });
}

// A default route leads everywhere, and so to no network in particular.
bool leads_to(const Prefix& prefix, const HostFacts& facts, std::uint32_t own_table) {
  constexpr int kShortestNetwork = 2;
  if (prefix.length() < kShortestNetwork || holds_address_in(prefix, facts)) return true;
  if (!offered_interfaces({prefix}, facts, "").empty()) return true;
  return std::ranges::any_of(facts.routes, [&](const RouteFacts& route) {
    const bool is_network = route.destination.length() >= kShortestNetwork && route.table != own_table;
    return is_network && route.destination.overlaps(prefix);
  });
}

std::string sentence(const PeerPolicy& policy, const Prefix& prefix) {
  if (policy.origin == PolicyOrigin::kCommandLine)
    return fmt::format("nothing on this machine leads to {0}: is --offer {0} mistyped?", prefix.to_string());
  return fmt::format(
      "nothing at the called end leads to {0}: is --accept {0} mistyped? Otherwise a route there would lead "
      "to it, "
      "or offer = [\"{0}\"] in a file of /etc/isthmus/peers there say that its default route does",
      prefix.to_string());
}

bool is_lendable(const Prefix& network) {
  return network.family() == Family::kIpv4 && network.length() >= 8 && network.length() <= 30;
}

}  // namespace

std::vector<std::string> unled_offers(const PeerPolicy& policy, const HostFacts& facts,
                                      std::uint32_t own_table) {
  std::vector<std::string> sentences;
  for (const Prefix& prefix : policy.offers) {
    const AddressPair& written = prefix.family() == Family::kIpv4 ? policy.ipv4 : policy.ipv6;
    if (!written.local && !leads_to(prefix, facts, own_table)) sentences.push_back(sentence(policy, prefix));
  }
  return sentences;
}

std::vector<Prefix> lendable_networks(const PeerPolicy& policy, const HostFacts& facts,
                                      const std::vector<Endpoint>& outer) {
  std::vector<Prefix> networks;
  for (const Prefix& offer : policy.offers) {
    if (is_lendable(offer) && facts.address_within(offer)) networks.push_back(offer);
  }
  const bool offers_all = std::ranges::find(policy.offers, Prefix{}) != policy.offers.end();
  if (!offers_all) return networks;
  const std::set<std::string> outward = outward_interfaces(outer, facts, "");
  for (const InterfaceFacts& interface : facts.interfaces) {
    if (!interface.is_up || interface.is_loopback || interface.is_point_to_point) continue;
    if (outward.contains(interface.name)) continue;
    std::ranges::copy_if(connected_networks(interface), std::back_inserter(networks), is_lendable);
  }
  return networks;
}

}  // namespace isthmus::config
