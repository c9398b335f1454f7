// Who this machine is, to its peers: drawn at random once a boot and network namespace.
#pragma once

#include <string>

#include "base/result.h"
#include "io/runtime_dir.h"
#include "session/message.h"

namespace isthmus::app {

// Read from DIR/host-id, made when it is missing.
Result<session::HostId> host_id(const io::RuntimeDir& dir);

// The machine's own name, without its domain; for people.
std::string machine_name();

std::string hex(ConstBytes octets);

}  // namespace isthmus::app
