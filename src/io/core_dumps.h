// Keys are in this process's memory, and shall be in no file.
#pragma once

namespace isthmus::io {

// From now on the kernel writes no core of this process (RLIMIT_CORE, prctl(2) PR_SET_DUMPABLE), and only a
// process with CAP_SYS_PTRACE may look into it. What it executes writes no core either.
void forbid_core_dumps();

}  // namespace isthmus::io
