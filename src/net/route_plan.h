// From what two ends agreed on to what we want in this machine's kernel: pure, so that `plan` and `up` cannot
// differ.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/endpoint.h"
#include "net/host_change.h"
#include "net/host_facts.h"

namespace isthmus {

// What the session has settled when the link is up.
struct RoutePlanInput {
  std::string interface;
  std::uint32_t slot = 0;        // below kMaxSlots
  std::vector<Prefix> accepted;  // the peer's prefixes that go into the tunnel
  std::vector<Prefix> offered;   // ours that the peer accepted
  std::optional<IpAddress> local_ipv4, remote_ipv4;
  std::optional<IpAddress> local_ipv6,
      remote_ipv6;  // beside the link-local ones, which the kernel holds itself
  std::optional<std::uint64_t> local_interface_id;  // IPV6CP's: our link-local address on the tunnel
  std::vector<Endpoint> outer;                      // remote ends of the ssh connection (and jump hosts)
  // Our own ends of it: the peer dials them again from another port when the stream was lost.
  std::vector<IpAddress> outer_local;
  // Of our datagrams, if there are any: they are marked with kFirstDatagramMark + slot.
  std::optional<std::uint16_t> datagram_port;
  bool proxy_arp = false;
  bool masquerade = false;
  bool guard = true;
};

struct RoutePlan {
  // Stays while the session lives, held or up, and after a crash: fallbacks, rules, guard, sysctls,
  // addresses.
  std::vector<HostChange> lasting;
  // Only while packets can cross: the routes into the TUN. Removed when the link is lost, so that traffic is
  // refused.
  std::vector<HostChange> while_up;
  // What a person should know before or after: an offered prefix without an interface, a proxy-ARP range too
  // large…
  std::vector<std::string> warnings;
};

// Changes are in the order to apply them; undo goes backwards.
RoutePlan make_route_plan(const RoutePlanInput& input, const HostFacts& facts);

// The sysctls a plan for these interfaces may want to change, for HostFacts::sysctls.
std::vector<std::string> sysctls_of_interest(const std::string& tunnel_interface, const HostFacts& facts);

}  // namespace isthmus
