// What a DatagramPath asks of its shell and tells it, and what the shell counts for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "esp/tunnel_counters.h"
#include "net/endpoint.h"
#include "session/datagram_message.h"

namespace isthmus::session {

// Where our packets go from now on.
enum class Way : std::uint8_t { kStream, kDatagrams, kNowhere };
struct Carry {
  Way way = Way::kStream;
  std::string reason;
  friend bool operator==(const Carry&, const Carry&) = default;
};
// The largest packet that the tunnel interface shall give us. It stays when the stream takes over.
struct SetInnerMtu {
  std::size_t mtu = 0;
  friend bool operator==(const SetInnerMtu&, const SetInnerMtu&) = default;
};
using PathAction = std::variant<Carry, SetInnerMtu>;

// All workers' counters together.
struct PathCounts {
  std::uint64_t packets_sent = 0;  // inner packets that went out as datagrams, ever
  std::uint64_t dummies_sent = 0;
  std::uint64_t packets_received = 0;          // inner packets that came as datagrams, ever
  std::vector<PathReport::Received> received;  // by the inbound SAs, of each live generation

  // Of an inbound SA what has come by it; of an outbound one nothing.
  void add(const esp::SaStatus& sa);
  friend bool operator==(const PathCounts&, const PathCounts&) = default;
};

struct PathStatus {
  Way way = Way::kStream;
  std::string reason;              // why it is not kDatagrams
  std::optional<Endpoint> remote;  // where the peer answers
  std::optional<Duration> round_trip;
  std::optional<std::size_t> outer_mtu;
  unsigned loss_per_mille = 0;
};

}  // namespace isthmus::session
