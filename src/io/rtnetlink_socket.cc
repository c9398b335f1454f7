#include "io/rtnetlink_socket.h"

#include <linux/netlink.h>
#include <netlink/errno.h>
#include <netlink/socket.h>
#include <sys/socket.h>

#include <string>
#include <utility>

#include "base/check.h"

namespace isthmus::io {
namespace {

// What the kernel may have said of a request, having read it; for the rest another socket is the safe guess.
bool is_answer(int error) {
  switch (-error) {
    case NLE_EXIST:
    case NLE_OBJ_NOTFOUND:
    case NLE_NODEV:
    case NLE_NOADDR:
    case NLE_PERM:
    case NLE_NOACCESS:
    case NLE_INVAL:
    case NLE_DUMP_INTR:
      return true;
    default:
      return error >= 0;
  }
}

}  // namespace

void NetlinkSocketClose::operator()(nl_sock* socket) const {
  nl_socket_free(socket);
}

Result<RtnetlinkSocket> RtnetlinkSocket::open() {
  RtnetlinkSocket socket;
  if (const int error = socket.connect(); error < 0)
    return fail(Error::Code::kSystem, std::string{"open a netlink socket: "} + nl_geterror(error));
  return socket;
}

int RtnetlinkSocket::connect() {
  NetlinkSocket socket{nl_socket_alloc()};
  CHECK(socket != nullptr);
  if (const int error = nl_connect(socket.get(), NETLINK_ROUTE); error < 0) return error;
  // Lets the kernel itself filter dumps by table and protocol: a router may hold a million other routes.
  // Kernels before 4.20 send everything, and the readers here choose.
  const int on = 1;
  ::setsockopt(nl_socket_get_fd(socket.get()), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
  socket_ = std::move(socket);
  return 0;
}

int RtnetlinkSocket::attempt(const std::function<int(nl_sock&)>& exchange) {
  if (!socket_) {
    if (const int error = connect(); error < 0) return error;
  }
  const int error = exchange(*socket_);
  if (!is_answer(error)) socket_.reset();
  return error;
}

}  // namespace isthmus::io
