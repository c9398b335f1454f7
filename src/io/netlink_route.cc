#include <linux/rtnetlink.h>

#include "io/netlink.h"
#include "io/netlink_message.h"

namespace isthmus::io {
namespace {

// What the kernel makes of metric 0 for IPv6 (IP6_RT_PRIO_USER).
constexpr std::uint32_t kIpv6DefaultMetric = 1024;

std::uint8_t type_of(RouteKind kind) {
  switch (kind) {
    case RouteKind::kUnicast:
      return RTN_UNICAST;
    case RouteKind::kUnreachable:
      return RTN_UNREACHABLE;
    case RouteKind::kThrow:
      return RTN_THROW;
  }
  return RTN_UNSPEC;
}

std::uint32_t metric_in_kernel(const RouteChange& change) {
  const bool is_defaulted = change.metric == 0 && change.destination.family() == Family::kIpv6;
  return is_defaulted ? kIpv6DefaultMetric : change.metric;
}

NetlinkMessage message_for(int type, int flags, const RouteChange& change, std::uint32_t interface) {
  rtmsg header{};
  header.rtm_family = static_cast<std::uint8_t>(address_family(change.destination.family()));
  header.rtm_dst_len = static_cast<std::uint8_t>(change.destination.length());
  header.rtm_protocol = kRouteProtocol;
  header.rtm_type = type_of(change.kind);
  header.rtm_scope = change.kind == RouteKind::kUnicast ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  header.rtm_table = RT_TABLE_UNSPEC;
  NetlinkMessage message = new_message(type, flags, header);
  put_octets(*message, RTA_DST, change.destination.address().octets());
  put_u32(*message, RTA_TABLE, change.table);
  put_u32(*message, RTA_PRIORITY, metric_in_kernel(change));
  if (change.kind == RouteKind::kUnicast) put_u32(*message, RTA_OIF, interface);
  if (change.source) put_octets(*message, RTA_PREFSRC, change.source->octets());
  return message;
}

bool is_same(nlmsghdr& message, const RouteChange& change, std::uint32_t interface) {
  const auto& header = *static_cast<const rtmsg*>(nlmsg_data(&message));
  if (header.rtm_protocol != kRouteProtocol || header.rtm_type != type_of(change.kind)) return false;
  const Attributes<RTA_MAX> attributes(message, sizeof header);
  const bool is_through_it = change.kind != RouteKind::kUnicast ||
                             (attributes.u32(RTA_OIF) == interface && !attributes.has(RTA_GATEWAY));
  return is_through_it && attributes.u32(RTA_TABLE) == change.table &&
         attributes.u32(RTA_PRIORITY) == metric_in_kernel(change) &&
         attributes.address(RTA_PREFSRC) == change.source &&
         prefix_of(header.rtm_family, attributes.octets(RTA_DST), header.rtm_dst_len) == change.destination;
}

// Of a route that goes through none, and of an interface that is not there: 0.
Result<std::uint32_t> interface_of(RtnetlinkSocket& socket, const RouteChange& change) {
  if (change.kind != RouteKind::kUnicast) return 0U;
  return interface_index(socket, change.interface);
}

}  // namespace

Result<bool> Netlink::has(const RouteChange& change) {
  const std::uint32_t interface = TRY(interface_of(socket_, change));
  if (change.kind == RouteKind::kUnicast && interface == 0) return false;
  bool found = false;
  const auto query = [&] {
    rtmsg header{};
    header.rtm_family = static_cast<std::uint8_t>(address_family(change.destination.family()));
    header.rtm_protocol = kRouteProtocol;
    NetlinkMessage message = new_message(RTM_GETROUTE, NLM_F_DUMP, header);
    put_u32(*message, RTA_TABLE, change.table);
    return message;
  };
  TRY(dump(
      socket_, query, [&] { found = false; },
      [&](nlmsghdr& message) { found = found || is_same(message, change, interface); }));
  return found;
}

Result<void> Netlink::add(const RouteChange& change) {
  const std::uint32_t interface = TRY(interface_of(socket_, change));
  if (change.kind == RouteKind::kUnicast && interface == 0) {
    return fail(Error::Code::kNotFound, "add " + describe(change) + ": no interface " + change.interface);
  }
  Result<void> added =
      request(socket_, message_for(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, change, interface),
              "add " + describe(change));
  if (added || added.error().code != Error::Code::kExists) return added;
  if (TRY(has(change))) return {};
  return fail(Error::Code::kExists,
              "add " + describe(change) + ": table " + std::to_string(change.table) +
                  " has another route to the same place with the same metric, not from us");
}

Result<void> Netlink::remove(const RouteChange& change) {
  // For IPv6 the kernel compares neither type nor source when it deletes.
  if (!TRY(has(change))) return {};
  const std::uint32_t interface = TRY(interface_of(socket_, change));
  Result<void> removed =
      request(socket_, message_for(RTM_DELROUTE, 0, change, interface), "remove " + describe(change));
  if (!removed && removed.error().code == Error::Code::kNotFound) return {};
  return removed;
}

}  // namespace isthmus::io
