#include "io/program_access.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

namespace isthmus::io {
namespace {

bool has_execute_bit(const struct stat& status, const Credentials& user) {
  if (user.uid == 0) return (status.st_mode & 0111) != 0;
  if (user.uid == status.st_uid) return (status.st_mode & S_IXUSR) != 0;
  const bool is_in_group =
      user.gid == status.st_gid || std::ranges::find(user.groups, status.st_gid) != user.groups.end();
  return (status.st_mode & (is_in_group ? S_IXGRP : S_IXOTH)) != 0;
}

}  // namespace

bool may_execute(const std::string& path, const Credentials& user) {
  struct stat status{};
  std::filesystem::path place{path};
  if (!place.is_absolute() || stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  while (has_execute_bit(status, user)) {
    if (place == place.root_path()) return true;
    place = place.parent_path();
    if (stat(place.c_str(), &status) != 0) return false;
  }
  return false;
}

std::optional<std::string> own_program() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  // Of a file that is gone the kernel says "PATH (deleted)".
  if (error || !std::filesystem::exists(program, error)) return std::nullopt;
  return program.string();
}

}  // namespace isthmus::io
