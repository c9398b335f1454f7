// A second process of the same program, for what reads a peer's octets: without our descriptors, our terminal
// and, once it is in the sandbox (io/sandbox.h), our rights.
#pragma once

#include <sys/types.h>

#include <functional>

#include "base/result.h"
#include "io/child_process.h"
#include "io/control_socket.h"

namespace isthmus::io {

struct EngineProcess {
  ChildProcess process;        // killed with this object
  ControlConnection requests;  // from it, each answered by us
  ControlConnection events;    // to it, unasked
};
// The same two channels in the engine.
struct EngineChannels {
  ControlConnection requests, events;
};

// Forks: call before any thread exists. `engine` runs in the child, with standard streams and the channels
// and no other descriptor, in a session of its own, deaf to the terminal's signals; what it returns is the
// child's exit status. The child is killed when we end.
Result<EngineProcess> fork_engine(const std::function<int(EngineChannels)>& engine);

}  // namespace isthmus::io
