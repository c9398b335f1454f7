#include <linux/neighbour.h>

#include "io/netlink.h"
#include "io/netlink_message.h"

namespace isthmus::io {
namespace {

enum class Holder : std::uint8_t { kNobody, kUs, kOthers };

NetlinkMessage message_for(int type, int flags, const ProxyNeighbourChange& change, std::uint32_t interface) {
  ndmsg header{};
  header.ndm_family = static_cast<std::uint8_t>(address_family(change.address.family()));
  header.ndm_ifindex = static_cast<int>(interface);
  header.ndm_flags = NTF_PROXY;
  header.ndm_state = NUD_PERMANENT;
  NetlinkMessage message = new_message(type, flags, header);
  put_octets(*message, NDA_DST, change.address.octets());
  put_u8(*message, NDA_PROTOCOL, kRouteProtocol);
  return message;
}

Result<Holder> holder_of(RtnetlinkSocket& socket, const ProxyNeighbourChange& change,
                         std::uint32_t interface) {
  Holder holder = Holder::kNobody;
  const auto query = [&] {
    ndmsg header{};
    header.ndm_family = static_cast<std::uint8_t>(address_family(change.address.family()));
    header.ndm_flags = NTF_PROXY;
    return new_message(RTM_GETNEIGH, NLM_F_DUMP, header);
  };
  TRY(dump(
      socket, query, [&] { holder = Holder::kNobody; },
      [&](nlmsghdr& message) {
        const auto& header = *static_cast<const ndmsg*>(nlmsg_data(&message));
        const Attributes<NDA_MAX> attributes(message, sizeof header);
        if ((header.ndm_flags & NTF_PROXY) == 0) return;
        if (header.ndm_ifindex != static_cast<int>(interface)) return;
        if (attributes.address(NDA_DST) != change.address) return;
        holder = attributes.u8(NDA_PROTOCOL) == kRouteProtocol ? Holder::kUs : Holder::kOthers;
      }));
  return holder;
}

}  // namespace

Result<bool> Netlink::has(const ProxyNeighbourChange& change) {
  const std::uint32_t interface = TRY(interface_index(change.interface));
  if (interface == 0) return false;
  return TRY(holder_of(socket_, change, interface)) == Holder::kUs;
}

Result<void> Netlink::add(const ProxyNeighbourChange& change) {
  const std::uint32_t interface = TRY(interface_index(change.interface));
  if (interface == 0) {
    return fail(Error::Code::kNotFound, "add " + describe(change) + ": no interface " + change.interface);
  }
  // The kernel would silently make an existing entry ours.
  switch (TRY(holder_of(socket_, change, interface))) {
    case Holder::kUs:
      return {};
    case Holder::kOthers:
      return fail(Error::Code::kExists, "add " + describe(change) + ": somebody else's is there already");
    case Holder::kNobody:
      break;
  }
  return request(socket_, message_for(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, change, interface),
                 "add " + describe(change));
}

Result<void> Netlink::remove(const ProxyNeighbourChange& change) {
  if (!TRY(has(change))) return {};
  const std::uint32_t interface = TRY(interface_index(change.interface));
  Result<void> removed =
      request(socket_, message_for(RTM_DELNEIGH, 0, change, interface), "remove " + describe(change));
  if (!removed && removed.error().code == Error::Code::kNotFound) return {};
  return removed;
}

Result<std::vector<IpAddress>> Netlink::proxied() {
  std::vector<IpAddress> addresses;
  const auto query = [] {
    ndmsg header{};
    header.ndm_flags = NTF_PROXY;
    return new_message(RTM_GETNEIGH, NLM_F_DUMP, header);
  };
  TRY(dump(
      socket_, query, [&] { addresses.clear(); },
      [&](nlmsghdr& message) {
        const auto& header = *static_cast<const ndmsg*>(nlmsg_data(&message));
        const Attributes<NDA_MAX> attributes(message, sizeof header);
        const auto address = attributes.address(NDA_DST);
        if (address && (header.ndm_flags & NTF_PROXY) != 0) addresses.push_back(*address);
      }));
  return addresses;
}

}  // namespace isthmus::io
