#include "io/host_facts_reader.h"

#include "io/netlink.h"
#include "io/sysctl.h"
#include "net/route_plan.h"

namespace isthmus::io {

Result<HostFacts> read_host_facts(const std::string& tunnel_interface) {
  Netlink netlink = TRY(Netlink::open());
  HostFacts facts;
  facts.interfaces = TRY(netlink.interfaces());
  facts.routes = TRY(netlink.routes());
  facts.fallbacks = TRY(netlink.fallbacks());
  facts.neighbours = TRY(netlink.neighbours());
  facts.proxied = TRY(netlink.proxied());
  const Sysctl sysctl;
  for (const std::string& key : sysctls_of_interest(tunnel_interface, facts)) {
    Result<std::string> value = sysctl.read(key);
    // The tunnel's own interface need not exist yet, and a kernel may lack IPv6.
    if (value) facts.sysctls[key] = std::move(*value);
  }
  return facts;
}

}  // namespace isthmus::io
