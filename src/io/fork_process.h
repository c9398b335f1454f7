// Further processes of the same program, with the standard streams, the channels to who made them, and no
// other descriptor. Fork before any thread exists. What the given function returns is the child's exit
// status, what it throws a message and SIGABRT; nothing is destroyed that was the parent's.
#pragma once

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

// For what reads a peer's octets: in a session of its own, deaf to the terminal's signals, with a terminal
// that it can write to alone and, once it is in the sandbox (io/sandbox.h), without our rights. It is killed
// when we end.
Result<EngineProcess> fork_engine(const std::function<int(EngineChannels)>& engine);

struct LauncherProcess {
  ChildProcess process;        // waited for when this object ends, after `requests` was closed
  ControlConnection requests;  // to it, each answered by it
};

// For what starts others with rights that we give up: it stays on our terminal, where ssh may have to ask
// something, but does not end by its signals. It has to end when `requests` is closed, since whoever is
// confined (io/confinement.h) may not signal it, and is killed when we end.
Result<LauncherProcess> fork_launcher(const std::function<int(ControlConnection)>& launcher);

}  // namespace isthmus::io
