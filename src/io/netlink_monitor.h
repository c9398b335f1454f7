// Tells that links, addresses, routes or rules changed: to redial at once, and to put ours back.
#pragma once

#include "base/result.h"
#include "io/netlink.h"

namespace isthmus::io {

// What has changed since the last drain(). Our own changes are reported like anybody's.
struct NetworkChange {
  bool link = false;
  bool address = false;
  bool route = false;
  bool rule = false;
  [[nodiscard]] bool any() const { return link || address || route || rule; }
};

class NetlinkMonitor {
 public:
  static Result<NetlinkMonitor> open();

  // Readable when drain() has something to say.
  [[nodiscard]] int fd() const;
  // Empties the socket without blocking. After an overflow everything counts as changed.
  NetworkChange drain();

 private:
  explicit NetlinkMonitor(NetlinkSocket socket) : socket_(std::move(socket)) {}

  NetlinkSocket socket_;
};

}  // namespace isthmus::io
