// What a process gives up before it reads a peer's first octet, for good: rights, files, and all system calls
// but those that move octets between the descriptors it has.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace isthmus::io {

// Descriptors, timers and libraries that open files have to be there before. Of every thread made later it
// holds too. In this order: a limit (threads may have a better niceness, where root may permit it); another
// user (kSandboxUser, else nobody), no capability, no environment; no core, no_new_privs, Landlock without a
// single right, seccomp. Returns a sentence for each part that this machine does not have; whatever else
// fails is an error, and nothing may be read then.
Result<std::vector<std::string>> enter_sandbox();

inline constexpr const char* kSandboxUser = "isthmus";

}  // namespace isthmus::io
