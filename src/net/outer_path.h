// The outer connection: what the tunnel runs over, and what must never run over the tunnel.
#pragma once

#include <vector>

#include "net/endpoint.h"

namespace isthmus {

struct OuterPath {
  std::vector<Endpoint> remote;  // jump hosts too; port 0 for a caller, which comes back from any port
  std::vector<IpAddress> local;  // ours, where the peer dials us
};

}  // namespace isthmus
