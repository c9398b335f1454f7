// Puts a HostFacts together from the kernel.
#pragma once

#include <string>

#include "base/result.h"
#include "net/host_facts.h"

namespace isthmus::io {

// With the sysctls of interest to a plan for `tunnel_interface` (which need not exist yet). Changes nothing
// and needs no privilege.
Result<HostFacts> read_host_facts(const std::string& tunnel_interface);

}  // namespace isthmus::io
