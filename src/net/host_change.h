// Every change of this machine that needs an undo, as a value. io::HostApplier journals, makes and undoes
// them, and nothing else makes one; what goes with the TUN interface by itself is io::TunDevice's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "net/address.h"
#include "net/prefix.h"

namespace isthmus {

// What marks routes and rules as ours (published in isthmus(8)).
inline constexpr std::uint8_t kRouteProtocol = 115;
// Each session has a slot, and with it a routing table and rule priorities of its own.
inline constexpr std::uint32_t kMaxSlots = 64;
inline constexpr std::uint32_t kFirstTable = 7200;  // table of slot n: kFirstTable + n
constexpr bool is_session_table(std::uint32_t table) {
  return table >= kFirstTable && table < kFirstTable + kMaxSlots;
}
inline constexpr std::uint32_t kFirstOuterPriority =
    7000;  // rules that keep the outer connection out: + slot
inline constexpr std::uint32_t kFirstTunnelPriority = 7200;  // rules into the session's table: + slot
// What marks the datagrams of our own sockets, where they must stay outside of a tunnel that covers the
// peer's address: + slot.
inline constexpr std::uint32_t kFirstDatagramMark = 0x69736d00;
inline constexpr std::uint32_t kTunnelMetric = 100;
inline constexpr std::uint32_t kFallbackMetric = 4000;  // unreachable routes that outlive the TUN

struct AddressChange {
  std::string interface;
  IpAddress local;
  int prefix_length = 32;
  std::optional<IpAddress> peer;  // point-to-point; no route is made for it
  friend bool operator==(const AddressChange&, const AddressChange&) = default;
};

enum class RouteKind : std::uint8_t { kUnicast, kUnreachable, kThrow };

struct RouteChange {
  Prefix destination;
  RouteKind kind = RouteKind::kUnicast;
  std::string interface;  // for kUnicast
  std::optional<IpAddress> source;
  std::uint32_t table = 0;
  std::uint32_t metric = 0;
  friend bool operator==(const RouteChange&, const RouteChange&) = default;
};

struct RuleChange {
  Family family = Family::kIpv4;
  std::uint32_t priority = 0;
  std::uint32_t table = 0;
  std::optional<Prefix> to;
  std::optional<std::uint8_t> ip_protocol;  // with `destination_port`: the outer connection, exactly
  std::optional<std::uint16_t> destination_port;
  std::optional<std::uint32_t> mark{};  // of the packet, all 32 bits: our datagrams, exactly
  friend bool operator==(const RuleChange&, const RuleChange&) = default;
};

// Counted across sessions: the value before the first holder comes back when the last lets go, if it is still
// ours.
struct SysctlChange {
  std::string
      key;  // "net.ipv4.conf.eth0.forwarding": dots between parts, a dot inside an interface name as '/'
  std::string value;
  friend bool operator==(const SysctlChange&, const SysctlChange&) = default;
};

// A whole nftables table of family inet, ours alone: applied in one transaction, deleted on undo.
struct NftTableChange {
  std::string name;
  std::string body;  // what stands between the braces of `table inet NAME { … }`
  friend bool operator==(const NftTableChange&, const NftTableChange&) = default;
};

// Answer ARP or neighbour solicitations for `address` on `interface` (pppd's proxyarp).
struct ProxyNeighbourChange {
  std::string interface;
  IpAddress address;
  friend bool operator==(const ProxyNeighbourChange&, const ProxyNeighbourChange&) = default;
};

using HostChange =
    std::variant<AddressChange, RouteChange, RuleChange, SysctlChange, NftTableChange, ProxyNeighbourChange>;

// "route 193.6.37.0/24 dev isth0 table 7200": one line for plans, logs and status.
std::string describe(const HostChange& change);

}  // namespace isthmus
