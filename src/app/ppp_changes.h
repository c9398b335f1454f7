// What a link that is up means for this machine, as pppd's users expect it: the address with its peer, the
// way to the peer, and on request a default route or an answer to the LAN's ARP. Values only.
#pragma once

#include <string>
#include <vector>

#include "config/exit_codes.h"
#include "config/ppp_options.h"
#include "net/host_change.h"
#include "net/host_facts.h"
#include "ppp/link.h"

namespace isthmus::app {

struct PppChanges {
  std::vector<HostChange> needed;    // without them the link carries nothing
  std::vector<HostChange> wished;    // defaultroute, proxyarp: a failure is told, and the link stands
  std::vector<std::string> omitted;  // what was asked for and cannot be, with the reason
};

PppChanges ipv4_changes(const std::string& interface, const ppp::Ipv4Up& up,
                        const config::PppOptions& options, const HostFacts& facts);
PppChanges ipv6_changes(const std::string& interface, const ppp::Ipv6Up& up);

// fe80:: with this interface identifier (RFC 5072 section 5).
IpAddress link_local_address(std::uint64_t interface_id);

// The interface's MTU: what was asked for, never above what the peer takes.
int interface_mtu(const config::PppOptions& options, std::uint16_t peer_mru);

config::PppExit exit_of(ppp::LinkEnd end);

// Which addresses a link may agree on: never one of ours for the peer, nor what is no host's address.
class PppAddressPolicy final : public ppp::AddressPolicy {
 public:
  explicit PppAddressPolicy(HostFacts facts) : facts_(std::move(facts)) {}

  [[nodiscard]] bool permits_remote(const IpAddress& address) const override;
  [[nodiscard]] bool permits_local(const IpAddress& address) const override;

 private:
  HostFacts facts_;
};

// Whether a terminal's octets hold the beginning of a frame: a flag and then the address that every LCP
// packet has (RFC 1661 section 6.6). A lone 7E may be the '~' of a login's text.
bool has_frame_start(ConstBytes octets);

}  // namespace isthmus::app
