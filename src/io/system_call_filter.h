// The system calls that are left to a process which only moves octets between descriptors that it has.
#pragma once

#include "base/result.h"

namespace isthmus::io {

// By seccomp (seccomp(2)), for this thread and all it makes; needs no_new_privs. A call that only an intruder
// makes (execve, ptrace, fork, another's memory, mounts, modules…) ends the process; what libraries may try
// for reasons of their own (open, socket, connect…) fails with EPERM, and so does everything not foreseen.
// Does nothing under the sanitizers, whose runtime needs the calls that this forbids.
Result<void> restrict_system_calls();

}  // namespace isthmus::io
