#include "session/path_candidates.h"

#include <algorithm>

#include "base/guard.h"

namespace isthmus::session {
namespace {

bool is_nobodys_else(const IpAddress& address, const PathFacts& facts, const std::vector<IpAddress>& own) {
  if (!address.is_unicast_host() || address.is_link_local()) return false;
  if (std::ranges::find(own, address) != own.end()) return false;
  if (std::ranges::find(facts.ssh_peers, address) != facts.ssh_peers.end()) return true;
  return std::ranges::none_of(facts.tunnelled,
                              [&](const Prefix& prefix) { return prefix.contains(address); });
}

}  // namespace

bool may_be_probed(const IpAddress& address, const PathFacts& facts, const std::vector<IpAddress>& own) {
  return guard<Guard::kProbeAddress>(is_nobodys_else(address, facts, own));
}

std::vector<Endpoint> candidates_of(const DatagramHello& peer, const PathFacts& facts,
                                    const std::vector<IpAddress>& own) {
  std::vector<Endpoint> candidates;
  const auto add = [&](const IpAddress& address) {
    const Endpoint endpoint{address, peer.port};
    const bool is_new = std::ranges::find(candidates, endpoint) == candidates.end();
    if (is_new && candidates.size() < kMaxCandidates && may_be_probed(address, facts, own))
      candidates.push_back(endpoint);
  };
  for (const IpAddress& address : facts.ssh_peers) add(address);
  for (const IpAddress& address : peer.addresses) add(address);
  return candidates;
}

}  // namespace isthmus::session
