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

// What is known of a host behind the far gateway.
struct FarHost {
  IpAddress address;
  bool answers_us = false;                  // probed from here, through the tunnel
  std::optional<bool> answers_its_gateway;  // as the far end reports
  std::optional<IpAddress> gateway;         // the address that it was probed from there
};

struct PathFacts {
  std::string tunnel_interface;
  std::vector<Prefix> near;  // what we offered and the peer accepted
  std::vector<Prefix> far;   // what we accepted
  std::vector<NearHost> near_hosts;
  std::vector<FarHost> far_hosts;
  std::optional<bool> far_gateway_answers_us;
  std::optional<bool> we_answer_far_gateway;
  std::optional<IpAddress> known_to_far_gateway;  // a tunnel address of ours that it answers in any case
  bool proxy_arp = false;
  bool masquerade = false;
  HostFacts host;  // interfaces, routes, and the sysctls sysctls_of_interest() names
  FirewallFacts firewall;
};

// In the order to act on. Configuration that cannot work (forwarding, rp_filter, clashes, an offer that
// nothing leads to) is named always, the firewall unless a near host's answer has proven it open, the rest
// for probes that went unanswered.
std::vector<std::string> diagnose_path(const PathFacts& facts);

}  // namespace isthmus
