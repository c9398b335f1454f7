// Files made anew where others may have put something: no link is followed, nothing that is there written to.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.h"
#include "io/unique_fd.h"

namespace isthmus::io {

// Empty, open for reading and appending, mode 0600; what had the name is removed.
Result<UniqueFd> make_fresh_file(const std::filesystem::path& path);
// All of it; `path` is for the error.
Result<void> write_whole(int fd, std::string_view text, const std::filesystem::path& path);
// The old or the new text is there whenever we die. What is written first has the name `fresh`.
Result<void> replace_file(const std::filesystem::path& path, const std::filesystem::path& fresh,
                          std::string_view text);

}  // namespace isthmus::io
