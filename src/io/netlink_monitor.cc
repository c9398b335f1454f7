#include "io/netlink_monitor.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "base/check.h"

namespace isthmus::io {
namespace {

constexpr int kReceiveBuffer = 256 * 1024;
// A busy routing daemon may fill the socket as fast as we empty it; what is left makes the descriptor
// readable.
constexpr int kMaxReads = 64;

void note(const nlmsghdr& message, NetworkChange& change) {
  switch (message.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      change.link = true;
      break;
    case RTM_NEWADDR:
    case RTM_DELADDR:
      change.address = true;
      break;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      change.route = true;
      break;
    case RTM_NEWRULE:
    case RTM_DELRULE:
      change.rule = true;
      break;
    default:
      break;
  }
}

}  // namespace

Result<NetlinkMonitor> NetlinkMonitor::open() {
  NetlinkSocket socket{nl_socket_alloc()};
  CHECK(socket != nullptr);
  nl_join_groups(socket.get(), RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                                   RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_RULE);
  if (const int error = nl_connect(socket.get(), NETLINK_ROUTE); error < 0) {
    return fail(Error::Code::kSystem, std::string{"open a netlink monitor: "} + nl_geterror(error));
  }
  // IPv6's rules have a group beyond those of the old bit mask.
  if (const int error = nl_socket_add_membership(socket.get(), RTNLGRP_IPV6_RULE); error < 0) {
    return fail(Error::Code::kSystem, std::string{"watch IPv6 rules by netlink: "} + nl_geterror(error));
  }
  nl_socket_set_buffer_size(socket.get(), kReceiveBuffer, 0);
  if (const int error = nl_socket_set_nonblocking(socket.get()); error < 0) {
    return fail(Error::Code::kSystem, std::string{"open a netlink monitor: "} + nl_geterror(error));
  }
  return NetlinkMonitor{std::move(socket)};
}

int NetlinkMonitor::fd() const {
  return nl_socket_get_fd(socket_.get());
}

NetworkChange NetlinkMonitor::drain() {
  NetworkChange change;
  alignas(nlmsghdr) std::array<char, 32768> buffer;
  for (int reads = 0; reads < kMaxReads; ++reads) {
    const ssize_t length = ::recv(fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0 && errno == ENOBUFS) {
      change = {.link = true, .address = true, .route = true, .rule = true};
      continue;
    }
    if (length <= 0) return change;
    auto rest = static_cast<unsigned int>(length);
    for (auto* message = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(message, rest);
         message = NLMSG_NEXT(message, rest)) {
      note(*message, change);
    }
  }
  return change;
}

}  // namespace isthmus::io
