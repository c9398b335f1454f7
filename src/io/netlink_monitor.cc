#include "io/netlink_monitor.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <initializer_list>
#include <string_view>

#include "base/check.h"

namespace isthmus::io {
namespace {

constexpr int kReceiveBuffer = 256 * 1024;
// A busy routing daemon may fill the socket as fast as we empty it; what is left makes the descriptor
// readable.
constexpr int kMaxReads = 64;
constexpr std::string_view kOurTables = "isthmus_";

void note_route(const nlmsghdr& message, NetworkChange& change) {
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

// Tables, chains, rules and sets all say first which table they belong to. Other programs' tables may change
// all day long.
void note_filter(nlmsghdr& message, NetworkChange& change) {
  static_assert(int{NFTA_CHAIN_TABLE} == NFTA_TABLE_NAME && int{NFTA_RULE_TABLE} == NFTA_TABLE_NAME &&
                int{NFTA_SET_TABLE} == NFTA_TABLE_NAME && int{NFTA_SET_ELEM_LIST_TABLE} == NFTA_TABLE_NAME);
  const int type = message.nlmsg_type;
  if (NFNL_SUBSYS_ID(type) != NFNL_SUBSYS_NFTABLES || NFNL_MSG_TYPE(type) == NFT_MSG_NEWGEN) return;
  const nlattr* table = nlmsg_find_attr(&message, sizeof(nfgenmsg), NFTA_TABLE_NAME);
  if (table == nullptr) return;
  const std::string_view name{static_cast<const char*>(nla_data(table)),
                              static_cast<std::size_t>(nla_len(table))};
  if (name.starts_with(kOurTables)) change.filter = true;
}

std::unexpected<Error> fail_netlink(const char* what, int error) {
  return fail(Error::Code::kSystem, std::string{what} + ": " + nl_geterror(error));
}

// Hears of `groups`, as the kernel's enums number them.
Result<NetlinkSocket> open_monitor(const char* what, int protocol, std::initializer_list<int> groups) {
  NetlinkSocket socket{nl_socket_alloc()};
  CHECK(socket != nullptr);
  if (const int error = nl_connect(socket.get(), protocol); error < 0) return fail_netlink(what, error);
  for (const int group : groups) {
    if (const int error = nl_socket_add_membership(socket.get(), group); error < 0)
      return fail_netlink(what, error);
  }
  nl_socket_set_buffer_size(socket.get(), kReceiveBuffer, 0);
  if (const int error = nl_socket_set_nonblocking(socket.get()); error < 0) return fail_netlink(what, error);
  return socket;
}

Result<UniqueFd> epoll_of(const nl_sock& first, const nl_sock& second) {
  UniqueFd either{::epoll_create1(EPOLL_CLOEXEC)};
  if (!either.is_open()) return fail_errno(errno, "open a netlink monitor");
  for (const nl_sock* socket : {&first, &second}) {
    epoll_event event{.events = EPOLLIN, .data = {}};
    if (::epoll_ctl(either.get(), EPOLL_CTL_ADD, nl_socket_get_fd(socket), &event) != 0)
      return fail_errno(errno, "open a netlink monitor");
  }
  return either;
}

enum class Emptied : std::uint8_t { kRead, kOverflowed };

template <typename Note>
Emptied empty(const nl_sock& socket, const Note& note) {
  Emptied emptied = Emptied::kRead;
  alignas(nlmsghdr) std::array<char, 32768> buffer;
  for (int reads = 0; reads < kMaxReads; ++reads) {
    const ssize_t length = ::recv(nl_socket_get_fd(&socket), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0 && errno == ENOBUFS) {
      emptied = Emptied::kOverflowed;
      continue;
    }
    if (length <= 0) return emptied;
    auto rest = static_cast<unsigned int>(length);
    for (auto* message = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(message, rest);
         message = NLMSG_NEXT(message, rest)) {
      note(*message);
    }
  }
  return emptied;
}

}  // namespace

Result<NetlinkMonitor> NetlinkMonitor::open() {
  NetlinkSocket routes =
      TRY(open_monitor("watch links, addresses, routes and rules by netlink", NETLINK_ROUTE,
                       {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
                        RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE}));
  NetlinkSocket filters =
      TRY(open_monitor("watch nftables by netlink", NETLINK_NETFILTER, {NFNLGRP_NFTABLES}));
  UniqueFd either = TRY(epoll_of(*routes, *filters));
  return NetlinkMonitor{std::move(routes), std::move(filters), std::move(either)};
}

NetworkChange NetlinkMonitor::drain() {
  NetworkChange change;
  if (empty(*routes_, [&](const nlmsghdr& message) { note_route(message, change); }) == Emptied::kOverflowed)
    change.link = change.address = change.route = change.rule = true;
  if (empty(*filters_, [&](nlmsghdr& message) { note_filter(message, change); }) == Emptied::kOverflowed)
    change.filter = true;
  return change;
}

}  // namespace isthmus::io
