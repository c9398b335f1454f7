// A socket that the kernel's routing tables are asked and changed by (rtnetlink(7)), one exchange after
// another.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"

struct nl_sock;

namespace isthmus::io {

struct NetlinkSocketClose {
  void operator()(nl_sock* socket) const;
};
using NetlinkSocket = std::unique_ptr<nl_sock, NetlinkSocketClose>;

class RtnetlinkSocket {
 public:
  static Result<RtnetlinkSocket> open();

  // What `exchange` returns: 0 or more, or an error of libnl's. After one that is not the kernel's answer,
  // such as a message that could not be sent, answers would be taken for those of other questions: the next
  // exchange has another socket, which takes no descriptor more.
  int attempt(const std::function<int(nl_sock&)>& exchange);

 private:
  RtnetlinkSocket() = default;
  int connect();

  NetlinkSocket socket_;  // empty after a failure
};

}  // namespace isthmus::io
