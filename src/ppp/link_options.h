// What a PPP link is to wish for and to permit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "net/address.h"

namespace isthmus::ppp {

// What we wish for above LCP, and what we let the peer have.
struct NetworkOptions {
  // IPCP
  bool ipv4 = true;
  std::optional<IpAddress> local_ipv4;   // ours; empty: ask the peer for one (0.0.0.0)
  std::optional<IpAddress> remote_ipv4;  // the peer's, suggested by Nak when it asks for 0.0.0.0
  bool accept_local_ipv4 = false;        // take the peer's Nak for our address (pppd's ipcp-accept-local)
  bool accept_remote_ipv4 = true;        // take the peer's idea of its own address, if the policy permits it
  std::vector<IpAddress> dns_to_offer;   // at most two (RFC 1877), for a peer that asks
  bool ask_for_dns = false;
  // IPV6CP
  bool ipv6 = true;
  std::optional<std::uint64_t> local_interface_id;  // RFC 5072; empty: drawn at random
};

// What we wish for in LCP, and how long we try.
struct LinkOptions {
  // LCP
  std::uint16_t mru = 1500;  // what we can receive; 1500 is not asked for since it is the default
  std::uint32_t accm = 0;    // control characters the peer must escape towards us
  bool magic_number = true;
  bool protocol_field_compression = true;
  bool address_control_compression = true;
  bool passive = false;  // after Max-Configure unanswered requests wait instead of giving up (pppd's passive)
  bool silent = false;   // send nothing before the peer's first valid LCP packet (pppd's silent)
  int max_configure = 10;  // RFC 1661 section 4.6
  int max_terminate = 2;
  int max_failure = 5;
  Duration restart_interval = std::chrono::seconds{3};
  // Echo (RFC 1661 section 5.8). Any good frame is life. `echo_interval` without a good frame sends a
  // request; the link is dead after `dead_after_idle` without one, or after `dead_after_busy` without one
  // while we had something to send.
  std::optional<Duration> echo_interval = std::chrono::seconds{5};
  Duration dead_after_idle = std::chrono::seconds{14};
  Duration dead_after_busy = std::chrono::milliseconds{4500};

  // Empty: IPCP and IPV6CP stay closed until open_network(), while LCP and VSNCP come up. Of what the peer
  // asks of them meanwhile the last Configure-Request of each is kept, and answered then (a stock pppd asks
  // at once and would otherwise wait out its restart timer).
  std::optional<NetworkOptions> network = NetworkOptions{};
  // VSNCP with our OUI
  bool vsncp = true;
  std::uint32_t vsncp_capabilities = 0;  // announced to the peer
  std::string identification;            // sent in LCP Identification (RFC 1570 section 1.1) if not empty
};

// Decides whether an address may be the peer's, or ours on the peer's suggestion. Pure; called while
// negotiating.
class AddressPolicy {
 public:
  virtual ~AddressPolicy() = default;
  [[nodiscard]] virtual bool permits_remote(const IpAddress& address) const = 0;
  [[nodiscard]] virtual bool permits_local(const IpAddress& address) const = 0;
};

}  // namespace isthmus::ppp
