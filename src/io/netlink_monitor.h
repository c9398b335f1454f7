// Tells that links, addresses, routes, rules or our nftables tables changed: to redial at once, and to put
// ours back.
#pragma once

#include "base/result.h"
#include "io/rtnetlink_socket.h"
#include "io/unique_fd.h"

namespace isthmus::io {

// What has changed since the last drain(). Our own changes are reported like anybody's.
struct NetworkChange {
  bool link = false;
  bool address = false;
  bool route = false;
  bool rule = false;
  bool filter = false;  // a table named isthmus_*, or what is in it
  [[nodiscard]] bool any() const { return link || address || route || rule || filter; }
};

class NetlinkMonitor {
 public:
  static Result<NetlinkMonitor> open();

  // Readable when drain() has something to say.
  [[nodiscard]] int fd() const { return either_.get(); }
  // Empties the sockets without blocking. After an overflow everything counts as changed.
  NetworkChange drain();

 private:
  NetlinkMonitor(NetlinkSocket routes, NetlinkSocket filters, UniqueFd either)
      : routes_(std::move(routes)), filters_(std::move(filters)), either_(std::move(either)) {}

  NetlinkSocket routes_;
  NetlinkSocket filters_;
  UniqueFd either_;  // an epoll of both
};

}  // namespace isthmus::io
