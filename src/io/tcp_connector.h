// TCP connections made the way ssh makes its own, with the options that a tunnel in them wants, for a process
// that is passed the socket.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/unique_fd.h"
#include "net/address.h"

namespace isthmus::io {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

// In the resolver's order, all families or one. kNotFound: the message is the resolver's own, without a name.
Result<std::vector<SocketAddress>> resolve_host(const std::string& host, std::uint16_t port,
                                                std::optional<Family> family);

// A blocking socket connected to the first address that answers; each is waited for as long as `patience`, or
// without one as long as the kernel does. kSystem: the last one's os_errno, ETIMEDOUT if nobody answered.
Result<UniqueFd> connect_to_any(const std::vector<SocketAddress>& addresses,
                                std::optional<Duration> patience);

// What the kernel refuses stays as it is.
//   TCP_NODELAY, SO_KEEPALIVE
//   TCP_NOTSENT_LOWAT    128 KiB: what the network has not taken waits in our queue, where packets can be
//                        chosen and marked, and not in the kernel's, where they only wait
//   TCP_USER_TIMEOUT     20 s, so that ssh sees the end of a connection that nobody acknowledges
//   TCP_CONGESTION       bbr: loss alone does not slow it, and it keeps no queue that it could do without
void tune_for_tunnel(int socket);

// Sends the descriptor over a UNIX stream socket as ssh's ProxyUseFdpass awaits it: one octet, one
// descriptor.
Result<void> pass_descriptor(int channel, int fd);

// This process ends with the one that started it: kClosed if whoever held the other end of `channel` is gone
// already.
Result<void> end_with_parent(int channel);

}  // namespace isthmus::io
