// Addresses that nobody has behind another gateway: this network's, loopback, link-local, multicast, reserved
// ones, and those by which IPv6 writes IPv4 ones (RFC 6890 section 2.2; RFC 4291 sections 2.5.5 and 2.7).
#pragma once

#include <vector>

#include "net/prefix.h"

namespace isthmus {

const std::vector<Prefix>& never_routed();

// Those that one of `prefixes` contains and is larger than, as a default route does.
std::vector<Prefix> never_routed_within(const std::vector<Prefix>& prefixes);

}  // namespace isthmus
