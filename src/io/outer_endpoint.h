// Where ssh really is connected to, whatever its configuration made of the name: what must never be routed
// into the tunnel.
#pragma once

#include <sys/types.h>

#include <vector>

#include "base/result.h"
#include "net/endpoint.h"

namespace isthmus::io {

// The remote ends of the TCP connections that process `root` and its descendants hold (ssh, the `ssh -W` of a
// jump host, a ProxyCommand), sorted, each once, IPv4-mapped addresses as IPv4, loopback included. Needs the
// right to trace them, as root has. kNotFound if `root` has ended; what ends meanwhile is left out. Looks at
// no more than 64 processes and 1024 descriptors of each.
Result<std::vector<Endpoint>> outer_endpoints(pid_t root);

// A connection as the kernel shows it, whoever says otherwise.
struct TcpConnection {
  Endpoint local, remote;
  uid_t maker = 0;  // who called socket() or accept(), whoever holds it now
  friend bool operator==(const TcpConnection&, const TcpConnection&) = default;
};
// Those that process `pid` itself holds. With the same limits, and the same right needed.
Result<std::vector<TcpConnection>> tcp_connections(pid_t pid);

}  // namespace isthmus::io
