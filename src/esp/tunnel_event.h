// What a Tunnel tells the control thread. Everything here was said by an authentic, fresh packet or by a
// counter of our own; of other packets nothing is told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>

#include "esp/generation.h"
#include "esp/spi.h"
#include "net/endpoint.h"

namespace isthmus::esp {

// Our probe came back, perhaps to another worker than the one it went out from. `size` is that of the outer
// IP packet of the echo, which is that of the probe too.
struct EchoArrived {
  Generation generation{};
  std::uint64_t token = 0;
  std::size_t size = 0;
  Endpoint from;
  friend bool operator==(const EchoArrived&, const EchoArrived&) = default;
};

// A probe of the peer's came: its generation works inwards. The Tunnel echoes it by itself.
struct ProbeArrived {
  Generation generation{};
  Endpoint from;
  std::size_t size = 0;
  friend bool operator==(const ProbeArrived&, const ProbeArrived&) = default;
};

// A newer packet came from elsewhere than packets go to. Of each address once until SetRemote, or until some
// seconds have passed, and of a few addresses in that time (moves_told.h). `kDummy` if a probe, echo or dummy
// said so: while the peer probes several addresses of ours, its probes come from several of its own, and its
// packets from one.
struct RemoteMoved {
  enum class By : std::uint8_t { kPacket, kDummy };
  Endpoint from;
  Generation generation{};
  Spi spi{};
  By by = By::kPacket;
  friend bool operator==(const RemoteMoved&, const RemoteMoved&) = default;
};

// A key of this generation has been used so much that it is time for the next one, or (`is_hard`) that
// nothing more is sent by it. The soft limit is told of both directions, so that one end alone can begin all
// exchanges. Each is told once an SA.
struct LimitReached {
  Generation generation{};
  bool is_hard = false;
  friend bool operator==(const LimitReached&, const LimitReached&) = default;
};

using TunnelEvent = std::variant<EchoArrived, ProbeArrived, RemoteMoved, LimitReached>;

}  // namespace isthmus::esp
