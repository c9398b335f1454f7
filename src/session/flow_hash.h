// Which packets belong to one flow (RFC 8290 section 4.1).
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace isthmus::session {

// A number that all packets of a flow share: from both addresses, the protocol and, where it has them, both
// ports; from the addresses alone for fragments, of which only the first has ports. Whoever does not know
// `seed` cannot tell which flows will share a number (RFC 8290 section 8). Reads no octet beyond `packet`;
// what is no IP packet is one flow.
std::uint64_t flow_hash(std::uint64_t seed, ConstBytes packet);

}  // namespace isthmus::session
