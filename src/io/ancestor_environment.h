// The environment as it was before sudo cleared it: read from the processes that called us.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace isthmus::io {

// The variable in the environment that the nearest of our ancestors which has it was started with; looks at
// no more than eight. Those users could have written anything there.
std::optional<std::string> ancestor_variable(const std::string& name);

// Field 4 of /proc/PID/stat; nullopt if there is no such process.
std::optional<pid_t> parent_of(pid_t pid);

}  // namespace isthmus::io
