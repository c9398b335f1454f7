#include "net/host_change.h"

#include <fmt/format.h>

namespace isthmus {
namespace {

constexpr std::uint32_t kMainTable = 254;

std::string table_name(std::uint32_t table) {
  return table == kMainTable ? "main" : std::to_string(table);
}

std::string kind_prefix(RouteKind kind) {
  switch (kind) {
    case RouteKind::kUnicast:
      return "";
    case RouteKind::kUnreachable:
      return "unreachable ";
    case RouteKind::kThrow:
      return "throw ";
  }
  return "";
}

std::string protocol_name(std::uint8_t ip_protocol) {
  if (ip_protocol == 6) return "tcp";
  return ip_protocol == 17 ? "udp" : fmt::format("protocol {}", ip_protocol);
}

std::string describe_change(const AddressChange& change) {
  std::string line = fmt::format("address {}/{}", change.local.to_string(), change.prefix_length);
  if (change.peer) line += " peer " + change.peer->to_string();
  return line + " dev " + change.interface;
}

std::string describe_change(const RouteChange& change) {
  std::string line = kind_prefix(change.kind) + "route " + change.destination.to_string();
  if (!change.interface.empty()) line += " dev " + change.interface;
  if (change.source) line += " src " + change.source->to_string();
  return line + " table " + table_name(change.table);
}

std::string describe_change(const RuleChange& change) {
  std::string line = fmt::format("rule {}:", change.priority);
  if (change.family == Family::kIpv6) line += " ipv6";
  if (change.to) line += " to " + change.to->to_string();
  if (change.ip_protocol) line += " " + protocol_name(*change.ip_protocol);
  if (change.destination_port) line += fmt::format(" port {}", *change.destination_port);
  if (change.mark) line += fmt::format(" mark {:#x}", *change.mark);
  return line + " table " + table_name(change.table);
}

std::string describe_change(const SysctlChange& change) {
  return "sysctl " + change.key + "=" + change.value;
}

std::string describe_change(const NftTableChange& change) {
  return "nft table inet " + change.name;
}

std::string describe_change(const ProxyNeighbourChange& change) {
  return "proxy neighbour " + change.address.to_string() + " dev " + change.interface;
}

}  // namespace

std::string describe(const HostChange& change) {
  return std::visit([](const auto& what) { return describe_change(what); }, change);
}

}  // namespace isthmus
