// Landlock (landlock(7)) without a single right: no path can be opened, made or removed, no TCP port bound or
// connected to, no abstract UNIX socket and no process outside reached.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace isthmus::io {

// For this process and all threads it makes; needs no_new_privs. Returns a sentence for each part that the
// kernel does not know. There is no part without which this fails where the kernel knows it.
Result<std::vector<std::string>> restrict_files();

}  // namespace isthmus::io
