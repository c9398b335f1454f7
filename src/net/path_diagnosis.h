// Why the proof failed, in words a person can act on: from what this machine knows of itself and what the
// probes of both ends found.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "net/firewall_diagnosis.h"
#include "net/host_facts.h"
#include "net/prefix.h"

namespace isthmus {

// What is known of a host behind this gateway.
struct NearHost {
  IpAddress address;
  std::optional<bool> answers_us;    // probed from our own LAN address
  std::optional<bool> answers_peer;  // probed by the far gateway through the tunnel
};

struct PathFacts {
  std::string tunnel_interface;
  std::vector<Prefix> near;  // what we offered and the peer accepted
  std::vector<Prefix> far;   // what we accepted
  std::vector<NearHost> near_hosts;
  std::optional<bool> far_gateway_answers_us;
  std::optional<bool> we_answer_far_gateway;
  bool proxy_arp = false;
  bool masquerade = false;
  HostFacts host;  // interfaces, routes, and the sysctls sysctls_of_interest() names
  FirewallFacts firewall;
};

// For our side only; each end speaks for itself. Configuration that cannot work (forwarding, rp_filter,
// clashes, an offer without an interface) is named always, firewalls and return routes when a probe went
// unanswered.
std::vector<std::string> diagnose_path(const PathFacts& facts);

}  // namespace isthmus
