// How the calling thread is scheduled among the others of the default policy (sched_setattr(2)).
#pragma once

#include <sys/types.h>

#include "base/time.h"

namespace isthmus::io {

// From -20, first of all, to 19. False without the right to it: CAP_SYS_NICE, or RLIMIT_NICE.
bool set_thread_niceness(int niceness);
// Of a thread, 0 for the calling one.
[[nodiscard]] int thread_niceness(pid_t thread = 0);

// How long the thread runs at a time while others wait, from 0.1 to 100 ms: the shorter, the sooner it may
// run again. Nothing changes before Linux 6.12, which has one slice for all, nor of a thread that has another
// policy.
void set_thread_slice(Duration slice);
// The same. Zero where the kernel tells none.
[[nodiscard]] Duration thread_slice(pid_t thread = 0);

}  // namespace isthmus::io
