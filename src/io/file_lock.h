// An exclusive lock on an open file, held by its open file description (so that it ends with the process, and
// a child that inherits the descriptor keeps it).
#pragma once

#include <filesystem>

#include "base/result.h"
#include "io/unique_fd.h"

namespace isthmus::io {

// Opens or makes `path` (0600, never through a symlink) and waits for its lock. Held until the UniqueFd goes.
Result<UniqueFd> lock_file(const std::filesystem::path& path);
// Does not wait: false if somebody else holds it.
Result<bool> try_lock(int fd);
// Only asks; takes nothing.
Result<bool> is_locked(int fd);

}  // namespace isthmus::io
