// Where living sessions keep their journals: BASE/<boot id, 8 hex>-<network namespace>/, root's alone.
// A journal is only ever undone in the namespace and the boot that it was written in.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace isthmus::io {

inline constexpr std::string_view kRuntimeBase = "/run/isthmus";

class RuntimeDir {
 public:
  // Makes the directory (0700) if it is missing. kRefused if it or BASE is a symlink, no directory, not ours
  // or writable by others. If a namespace that is gone had the same number, what it left is thrown away.
  static Result<RuntimeDir> open(const std::filesystem::path& base = kRuntimeBase);
  // Makes nothing: kNotFound if there has been no session here. For `status`.
  static Result<RuntimeDir> find(const std::filesystem::path& base = kRuntimeBase);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // PATH/NAME.EXTENSION. kInvalid unless is_session_name(name).
  [[nodiscard]] Result<std::filesystem::path> file_of(std::string_view name,
                                                      std::string_view extension) const;
  // Removes the directories of earlier boots, whose kernel state is gone with them; returns a line for each.
  [[nodiscard]] std::vector<std::string> remove_stale() const;

 private:
  RuntimeDir(std::filesystem::path base, std::filesystem::path path)
      : base_(std::move(base)), path_(std::move(path)) {}

  std::filesystem::path base_;
  std::filesystem::path path_;
};

// [A-Za-z0-9._-], 1 to 64 characters, not beginning with a dot or a dash.
bool is_session_name(std::string_view name);
// A session name made from any text, such as "root@gw.example:22": other characters become '-'.
std::string session_name_from(std::string_view text);

}  // namespace isthmus::io
