// The datagrams that go into a Tunnel and come out of it, as the socket's side sees them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/time.h"
#include "net/endpoint.h"

namespace isthmus::esp {

// A UDP payload as it arrived. `traffic_class` is that of the outer IP packet; 0 if nobody told.
// `is_marked_here`: it waited so long on this machine that its packet shall tell of congestion, whatever the
// traffic class says. `at` is when it was taken, and `to` the address of ours that it came to.
struct Arrival {
  ConstBytes datagram;
  Endpoint from;
  std::uint8_t traffic_class = 0;
  bool is_marked_here = false;
  Instant at{};
  std::optional<IpAddress> to = {};
};

// A sealed packet: the first `size` octets of the output are the UDP payload, and the outer IP packet shall
// have this traffic class. All packets cut from one super-packet get the same.
struct Sealed {
  std::size_t size = 0;
  std::uint8_t traffic_class = 0;
};

// A datagram of the Tunnel's own (probe, echo), as above, with traffic class 0; `from` is the
// address of ours to send it from, if that matters.
struct Outgoing {
  std::size_t size = 0;
  Endpoint to;
  std::optional<IpAddress> from = {};
};

}  // namespace isthmus::esp
