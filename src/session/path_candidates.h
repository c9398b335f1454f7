// Addresses at which a peer may answer, in the order in which they are to be tried.
#pragma once

#include <vector>

#include "net/endpoint.h"
#include "net/prefix.h"
#include "session/datagram_message.h"
#include "session/path_options.h"

namespace isthmus::session {

// No more than 12: the addresses of ssh, those of the peer's DatagramHello, and one that answered before.
inline constexpr std::size_t kMaxCandidates = kMaxOwnAddresses + 4;

// Whether an authentic peer may be probed at `address`: a host's address that no route leads into the tunnel
// for. The far ends of ssh's own connection never are in the tunnel, whatever covers them.
bool may_be_probed(const IpAddress& address, const PathFacts& facts);

// The far end of ssh's connection first, which is known to be reachable, then what the peer knows of itself,
// all with the port it told.
std::vector<Endpoint> candidates_of(const DatagramHello& peer, const PathFacts& facts);

}  // namespace isthmus::session
