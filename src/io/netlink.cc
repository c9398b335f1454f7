#include "io/netlink.h"

#include <netlink/errno.h>
#include <netlink/socket.h>

#include "base/check.h"
#include "io/netlink_message.h"

namespace isthmus::io {
namespace {

// A dump is begun again when the tables change under it; on a router with a busy routing daemon that can
// happen more than once.
constexpr int kDumpAttempts = 8;

std::unexpected<Error> fail_netlink(int nl_error, const std::string& what) {
  const std::string message = what + ": " + nl_geterror(nl_error);
  switch (nl_error < 0 ? -nl_error : nl_error) {
    case NLE_EXIST:
      return fail(Error::Code::kExists, message);
    case NLE_OBJ_NOTFOUND:
    case NLE_NODEV:
    case NLE_NOADDR:
      return fail(Error::Code::kNotFound, message);
    case NLE_PERM:
      return fail(Error::Code::kSystem, message + " (need CAP_NET_ADMIN)");
    case NLE_NOACCESS:
      return fail(Error::Code::kSystem, message + " (is IPv6 disabled on the interface?)");
    default:
      return fail(Error::Code::kSystem, message);
  }
}

int on_message(nl_msg* message, void* visit) {
  (*static_cast<const std::function<void(nlmsghdr&)>*>(visit))(*nlmsg_hdr(message));
  return NL_OK;
}

struct CallbackFree {
  void operator()(nl_cb* callback) const { nl_cb_put(callback); }
};

int exchange(nl_sock& socket, nl_msg& query, const std::function<void(nlmsghdr&)>& visit) {
  const std::unique_ptr<nl_cb, CallbackFree> callback{nl_cb_alloc(NL_CB_DEFAULT)};
  CHECK(callback != nullptr);
  // libnl hands the pointer back to on_message, which does not write through it.
  void* argument = const_cast<std::function<void(nlmsghdr&)>*>(&visit);
  nl_cb_set(callback.get(), NL_CB_VALID, NL_CB_CUSTOM, on_message, argument);
  const int sent = nl_send_auto(&socket, &query);
  if (sent < 0) return sent;
  return nl_recvmsgs(&socket, callback.get());
}

}  // namespace

Result<Netlink> Netlink::open() {
  return Netlink{TRY(RtnetlinkSocket::open())};
}

NetlinkMessage new_message_of(int type, int flags, void* header, std::size_t length) {
  NetlinkMessage message{nlmsg_alloc_simple(type, flags)};
  CHECK(message != nullptr);
  CHECK(nlmsg_append(message.get(), header, length, NLMSG_ALIGNTO) == 0);
  return message;
}

void put_u8(nl_msg& message, int attribute, std::uint8_t value) {
  CHECK(nla_put_u8(&message, attribute, value) == 0);
}

void put_u32(nl_msg& message, int attribute, std::uint32_t value) {
  CHECK(nla_put_u32(&message, attribute, value) == 0);
}

void put_octets(nl_msg& message, int attribute, ConstBytes octets) {
  CHECK(nla_put(&message, attribute, static_cast<int>(octets.size()), octets.data()) == 0);
}

Result<void> request(RtnetlinkSocket& socket, NetlinkMessage message, const std::string& what) {
  // nl_send_sync frees the message.
  const int error = socket.attempt([&](nl_sock& open) { return nl_send_sync(&open, message.release()); });
  if (error < 0) return fail_netlink(error, what);
  return {};
}

Result<void> dump(RtnetlinkSocket& socket, const std::function<NetlinkMessage()>& query,
                  const std::function<void()>& restart, const std::function<void(nlmsghdr&)>& visit) {
  int error = 0;
  for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
    restart();
    const NetlinkMessage message = query();
    error = socket.attempt([&](nl_sock& open) { return exchange(open, *message, visit); });
    // A table that nobody has put a route into does not exist: no messages, and no failure.
    if (error >= 0 || error == -NLE_OBJ_NOTFOUND) return {};
    if (error != -NLE_DUMP_INTR) break;
  }
  return fail_netlink(error, "read the kernel's tables by netlink");
}

Result<std::uint32_t> interface_index(RtnetlinkSocket& socket, const std::string& name) {
  std::uint32_t index = 0;
  const std::function<void(nlmsghdr&)> visit = [&](nlmsghdr& message) {
    if (message.nlmsg_type != RTM_NEWLINK) return;
    index = static_cast<std::uint32_t>(static_cast<const ifinfomsg*>(nlmsg_data(&message))->ifi_index);
  };
  const NetlinkMessage query = new_message(RTM_GETLINK, 0, ifinfomsg{});
  put_octets(*query, IFLA_IFNAME, {reinterpret_cast<const std::uint8_t*>(name.c_str()), name.size() + 1});
  const int error = socket.attempt([&](nl_sock& open) {
    const int answered = exchange(open, *query, visit);
    return answered < 0 ? answered : nl_wait_for_ack(&open);
  });
  if (error == -NLE_NODEV) return 0U;
  if (error < 0) return fail_netlink(error, "look for interface " + name);
  return index;
}

Result<std::uint32_t> Netlink::interface_index(const std::string& name) {
  return io::interface_index(socket_, name);
}

std::optional<Prefix> prefix_of(int family, ConstBytes octets, int length) {
  const Family kind = family == AF_INET ? Family::kIpv4 : Family::kIpv6;
  if (length < 0 || length > IpAddress::unspecified(kind).bits()) return std::nullopt;
  if (octets.empty()) return Prefix::around(IpAddress::unspecified(kind), length);
  const Result<IpAddress> address = IpAddress::from_octets(octets);
  if (!address || address->family() != kind) return std::nullopt;
  return Prefix::around(*address, length);
}

}  // namespace isthmus::io
