#include <linux/neighbour.h>
#include <net/if.h>

#include <map>

#include "io/netlink.h"
#include "io/netlink_message.h"

namespace isthmus::io {
namespace {

constexpr std::uint16_t kUsableNeighbour = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;

using InterfacesByIndex = std::map<int, InterfaceFacts>;

Result<InterfacesByIndex> read_links(RtnetlinkSocket& socket) {
  InterfacesByIndex links;
  const auto query = [] { return new_message(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{}); };
  TRY(dump(
      socket, query, [&] { links.clear(); },
      [&](nlmsghdr& message) {
        const auto& header = *static_cast<const ifinfomsg*>(nlmsg_data(&message));
        const Attributes<IFLA_MAX> attributes(message, sizeof header);
        InterfaceFacts& link = links[header.ifi_index];
        if (attributes.has(IFLA_IFNAME)) link.name = nla_get_string(attributes.raw(IFLA_IFNAME));
        if (attributes.has(IFLA_MTU)) link.mtu = attributes.u32(IFLA_MTU);
        link.is_up = (header.ifi_flags & IFF_UP) != 0;
        link.is_loopback = (header.ifi_flags & IFF_LOOPBACK) != 0;
        link.is_point_to_point = (header.ifi_flags & IFF_POINTOPOINT) != 0;
      }));
  return links;
}

std::optional<InterfaceFacts::Assigned> assigned_from(nlmsghdr& message) {
  const auto& header = *static_cast<const ifaddrmsg*>(nlmsg_data(&message));
  const Attributes<IFA_MAX> attributes(message, sizeof header);
  // IFA_ADDRESS is the peer's where there is one.
  const auto address = attributes.address(attributes.has(IFA_LOCAL) ? IFA_LOCAL : IFA_ADDRESS);
  if (!address) return std::nullopt;
  return InterfaceFacts::Assigned{*address, header.ifa_prefixlen};
}

std::string name_of(int index, const InterfacesByIndex& links) {
  const auto link = links.find(index);
  return link == links.end() ? std::string{} : link->second.name;
}

std::string gateway_interface(const Attributes<RTA_MAX>& attributes, const InterfacesByIndex& links,
                              std::optional<IpAddress>& gateway) {
  gateway = attributes.address(RTA_GATEWAY);
  if (attributes.has(RTA_OIF)) return name_of(static_cast<int>(attributes.u32(RTA_OIF)), links);
  if (attributes.octets(RTA_MULTIPATH).size() < sizeof(rtnexthop)) return {};
  // Of several ways to the same network the first one stands for all.
  const auto& first = *static_cast<const rtnexthop*>(nla_data(attributes.raw(RTA_MULTIPATH)));
  const int length = static_cast<int>(first.rtnh_len) - static_cast<int>(sizeof first);
  if (length > 0 && first.rtnh_len <= attributes.octets(RTA_MULTIPATH).size()) {
    auto* head = reinterpret_cast<nlattr*>(const_cast<rtnexthop*>(&first + 1));
    const nlattr* found = nla_find(head, length, RTA_GATEWAY);
    if (found != nullptr) {
      const Result<IpAddress> parsed = IpAddress::from_octets(
          {static_cast<const std::uint8_t*>(nla_data(found)), static_cast<std::size_t>(nla_len(found))});
      if (parsed) gateway = *parsed;
    }
  }
  return name_of(first.rtnh_ifindex, links);
}

std::optional<RouteFacts> route_from(nlmsghdr& message, std::uint8_t type, const InterfacesByIndex& links) {
  const auto& header = *static_cast<const rtmsg*>(nlmsg_data(&message));
  if (header.rtm_type != type || (header.rtm_flags & RTM_F_CLONED) != 0) return std::nullopt;
  const Attributes<RTA_MAX> attributes(message, sizeof header);
  const auto destination = prefix_of(header.rtm_family, attributes.octets(RTA_DST), header.rtm_dst_len);
  if (!destination) return std::nullopt;
  RouteFacts route;
  route.destination = *destination;
  // IPv6's unreachable routes are said to be on lo.
  if (type == RTN_UNICAST) route.interface = gateway_interface(attributes, links, route.gateway);
  route.table = attributes.has(RTA_TABLE) ? attributes.u32(RTA_TABLE) : header.rtm_table;
  route.protocol = header.rtm_protocol;
  return route;
}

// The main table's unicast routes, or those of our tables that carry our protocol number.
enum class Selection : std::uint8_t { kMain, kOurs, kOurFallbacks };

Result<std::vector<RouteFacts>> read_routes(RtnetlinkSocket& socket, Family family, Selection selection,
                                            const InterfacesByIndex& links) {
  std::vector<RouteFacts> routes;
  const auto query = [&] {
    rtmsg header{};
    header.rtm_family = static_cast<std::uint8_t>(address_family(family));
    if (selection != Selection::kMain) header.rtm_protocol = kRouteProtocol;
    NetlinkMessage message = new_message(RTM_GETROUTE, NLM_F_DUMP, header);
    if (selection == Selection::kMain) put_u32(*message, RTA_TABLE, RT_TABLE_MAIN);
    return message;
  };
  TRY(dump(
      socket, query, [&] { routes.clear(); },
      [&](nlmsghdr& message) {
        const auto route =
            route_from(message, selection == Selection::kOurFallbacks ? RTN_UNREACHABLE : RTN_UNICAST, links);
        if (!route) return;
        const bool is_in_place =
            selection == Selection::kMain ? route->table == RT_TABLE_MAIN : is_session_table(route->table);
        if (is_in_place) routes.push_back(*route);
      }));
  return routes;
}

}  // namespace

Result<std::vector<InterfaceFacts>> Netlink::interfaces() {
  const InterfacesByIndex links = TRY(read_links(socket_));
  InterfacesByIndex complete;
  const auto query = [] { return new_message(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{}); };
  TRY(dump(
      socket_, query, [&] { complete = links; },
      [&](nlmsghdr& message) {
        const auto& header = *static_cast<const ifaddrmsg*>(nlmsg_data(&message));
        const auto link = complete.find(static_cast<int>(header.ifa_index));
        const auto assigned = assigned_from(message);
        if (link != complete.end() && assigned) link->second.addresses.push_back(*assigned);
      }));
  std::vector<InterfaceFacts> interfaces;
  for (auto& [index, facts] : complete) interfaces.push_back(std::move(facts));
  return interfaces;
}

Result<std::vector<RouteFacts>> Netlink::routes() {
  const InterfacesByIndex links = TRY(read_links(socket_));
  std::vector<RouteFacts> all;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    for (const Selection selection : {Selection::kMain, Selection::kOurs}) {
      const std::vector<RouteFacts> some = TRY(read_routes(socket_, family, selection, links));
      all.insert(all.end(), some.begin(), some.end());
    }
  }
  return all;
}

Result<std::vector<RouteFacts>> Netlink::fallbacks() {
  const InterfacesByIndex through_none;
  std::vector<RouteFacts> all;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const std::vector<RouteFacts> some =
        TRY(read_routes(socket_, family, Selection::kOurFallbacks, through_none));
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

Result<std::vector<NeighbourFacts>> Netlink::neighbours() {
  const InterfacesByIndex links = TRY(read_links(socket_));
  std::vector<NeighbourFacts> neighbours;
  const auto query = [] { return new_message(RTM_GETNEIGH, NLM_F_DUMP, ndmsg{}); };
  TRY(dump(
      socket_, query, [&] { neighbours.clear(); },
      [&](nlmsghdr& message) {
        const auto& header = *static_cast<const ndmsg*>(nlmsg_data(&message));
        const Attributes<NDA_MAX> attributes(message, sizeof header);
        const auto address = attributes.address(NDA_DST);
        // A bridge's forwarding table comes by the same message.
        if (!address || (header.ndm_state & NUD_NOARP) != 0) return;
        const bool is_usable =
            (header.ndm_state & kUsableNeighbour) != 0 && !attributes.octets(NDA_LLADDR).empty();
        neighbours.push_back({name_of(header.ndm_ifindex, links), *address, is_usable});
      }));
  return neighbours;
}

}  // namespace isthmus::io
