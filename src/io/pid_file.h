// The files in /run that say which process serves an interface, as pppd leaves them for scripts.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "base/result.h"

namespace isthmus::io {

// Holds our process id in a line, and then further lines. Removed on destruction, unless another process has
// written its own meanwhile.
class PidFile {
 public:
  static Result<PidFile> write(std::filesystem::path path, const std::string& further_lines = {});

  PidFile(PidFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  PidFile& operator=(PidFile&&) = delete;
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;
  ~PidFile();

 private:
  explicit PidFile(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;  // empty after a move
};

}  // namespace isthmus::io
