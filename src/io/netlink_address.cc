#include <linux/if_addr.h>
#include <sys/utsname.h>

#include <cstdio>

#include "io/netlink.h"
#include "io/netlink_message.h"

namespace isthmus::io {
namespace {

// Linux 5.18's IFA_PROTO, which the headers of older systems lack: the route protocol of addresses.
constexpr int kAddressProtocolAttribute = 11;

bool kernel_keeps_address_protocol() {
  utsname system{};
  int major = 0;
  int minor = 0;
  if (::uname(&system) != 0 || std::sscanf(system.release, "%d.%d", &major, &minor) != 2) return false;
  return major > 5 || (major == 5 && minor >= 18);
}

NetlinkMessage message_for(int type, int flags, const AddressChange& change, std::uint32_t interface) {
  ifaddrmsg header{};
  header.ifa_family = static_cast<std::uint8_t>(address_family(change.local.family()));
  header.ifa_prefixlen = static_cast<std::uint8_t>(change.prefix_length);
  header.ifa_scope = change.local.is_link_local() ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  header.ifa_index = interface;
  NetlinkMessage message = new_message(type, flags, header);
  put_octets(*message, IFA_LOCAL, change.local.octets());
  put_octets(*message, IFA_ADDRESS, change.peer.value_or(change.local).octets());
  return message;
}

std::uint32_t flags_for(const AddressChange& change) {
  // The point-to-point medium has nobody to detect duplicates among, and IPCP or IPV6CP has settled it.
  const std::uint32_t flags = IFA_F_NODAD;
  // The one route that the kernel is to make itself: fe80::/64 on our own interface.
  if (change.local.is_link_local() && !change.peer) return flags;
  return flags | IFA_F_NOPREFIXROUTE;
}

bool is_same(nlmsghdr& message, const AddressChange& change, std::uint32_t interface) {
  const auto& header = *static_cast<const ifaddrmsg*>(nlmsg_data(&message));
  if (header.ifa_index != interface || header.ifa_prefixlen != change.prefix_length) return false;
  const Attributes<kAddressProtocolAttribute> attributes(message, sizeof header);
  // The kernel leaves IFA_LOCAL out where it equals IFA_ADDRESS (IPv6 without a peer).
  const auto peer = attributes.address(IFA_ADDRESS);
  const auto local = attributes.has(IFA_LOCAL) ? attributes.address(IFA_LOCAL) : peer;
  return local == change.local && peer == change.peer.value_or(change.local) &&
         (attributes.u8(kAddressProtocolAttribute) == kRouteProtocol || !kernel_keeps_address_protocol());
}

}  // namespace

Result<bool> Netlink::has(const AddressChange& change) {
  const std::uint32_t interface = TRY(interface_index(change.interface));
  if (interface == 0) return false;
  bool found = false;
  const auto query = [&] {
    ifaddrmsg header{};
    header.ifa_family = static_cast<std::uint8_t>(address_family(change.local.family()));
    header.ifa_index = interface;
    return new_message(RTM_GETADDR, NLM_F_DUMP, header);
  };
  TRY(dump(
      socket_, query, [&] { found = false; },
      [&](nlmsghdr& message) { found = found || is_same(message, change, interface); }));
  return found;
}

Result<void> Netlink::add(const AddressChange& change) {
  const std::uint32_t interface = TRY(interface_index(change.interface));
  if (interface == 0) {
    return fail(Error::Code::kNotFound, "add " + describe(change) + ": no interface " + change.interface);
  }
  NetlinkMessage message = message_for(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, change, interface);
  put_u32(*message, IFA_FLAGS, flags_for(change));
  put_u8(*message, kAddressProtocolAttribute, kRouteProtocol);
  Result<void> added = request(socket_, std::move(message), "add " + describe(change));
  if (added || added.error().code != Error::Code::kExists) return added;
  if (TRY(has(change))) return {};
  return fail(Error::Code::kExists,
              "add " + describe(change) + ": the interface has it already, not from us");
}

Result<void> Netlink::remove(const AddressChange& change) {
  if (!TRY(has(change))) return {};
  const std::uint32_t interface = TRY(interface_index(change.interface));
  Result<void> removed =
      request(socket_, message_for(RTM_DELADDR, 0, change, interface), "remove " + describe(change));
  if (!removed && removed.error().code == Error::Code::kNotFound) return {};
  return removed;
}

}  // namespace isthmus::io
