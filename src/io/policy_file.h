// Reads files that decide who may do what: only such as nobody but root can have written.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/result.h"

namespace isthmus::io {

// The text of `path`, or nullopt if there is no such file. kRefused if it is a symlink, no regular file, not
// owned by root (or by ourselves), writable by group or others, lies in a directory of which one of these
// holds, or is longer than `most` octets: whoever could change it could give himself rights.
Result<std::optional<std::string>> read_policy_file(const std::string& path, std::size_t most);

}  // namespace isthmus::io
