// Which system calls a process and all that it makes may still call, by seccomp (seccomp(2)); needs
// no_new_privs. Nothing is restricted under the sanitizers, whose runtime needs what is forbidden here.
#pragma once

#include "base/result.h"

namespace isthmus::io {

// For what only moves octets between descriptors that it has. A call that only an intruder makes (execve,
// ptrace, fork, another's memory, mounts, modules…) ends the process; what libraries may try for reasons of
// their own (open, socket, connect…) fails with EPERM, and so does everything not foreseen.
Result<void> restrict_system_calls();

// For what still works as root: what only an intruder calls fails with EPERM. That is the above but to
// execute and to change the user; the modes, owners and attributes of files; input put into a terminal;
// limits of other processes; new namespaces.
Result<void> forbid_calls_of_intruders();

}  // namespace isthmus::io
