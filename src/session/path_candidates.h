// Addresses at which a peer may answer, in the order in which they are to be tried.
#pragma once

#include <vector>

#include "base/time.h"
#include "net/endpoint.h"
#include "net/prefix.h"
#include "session/datagram_message.h"
#include "session/path_options.h"

namespace isthmus::session {

inline constexpr Duration kEagerProbing = std::chrono::seconds{30};   // every tick for so long, then
inline constexpr Duration kPatientProbing = std::chrono::seconds{2};  // at this interval, for ever
// An address must answer so many probes before it is taken, once a path has failed on this stream.
inline constexpr int kEchoesAfterFailure = 3;
// The addresses of ssh and those of the peer's DatagramHello, and as many that have answered a probe.
inline constexpr std::size_t kMaxCandidates = kMaxOwnAddresses + 4;
// In one round of probes.
inline constexpr std::size_t kMaxProbed = kMaxCandidates + 4;

// Whether an authentic peer may be probed at `address`: a host's address, not one of our `own`, that no route
// leads into the tunnel for. The far ends of ssh's own connection never are in the tunnel, whatever covers
// them.
bool may_be_probed(const IpAddress& address, const PathFacts& facts, const std::vector<IpAddress>& own);

// The far end of ssh's connection first, which is known to be reachable, then what the peer knows of itself,
// all with the port it told.
std::vector<Endpoint> candidates_of(const DatagramHello& peer, const PathFacts& facts,
                                    const std::vector<IpAddress>& own);

}  // namespace isthmus::session
