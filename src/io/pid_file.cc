#include "io/pid_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "io/unique_fd.h"

namespace isthmus::io {
namespace {

// 0 if there is no such file, or no number in it.
long pid_in(const std::filesystem::path& path) {
  std::ifstream in{path};
  long pid = 0;
  in >> pid;
  return in ? pid : 0;
}

}  // namespace

Result<PidFile> PidFile::write(std::filesystem::path path, const std::string& further_lines) {
  // A new file each time: what stands there may be a link, or be held open by somebody.
  ::unlink(path.c_str());
  const UniqueFd file{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644)};
  if (!file.is_open()) return fail_errno(errno, "write " + path.string());
  PidFile made{std::move(path)};
  const std::string text = std::to_string(::getpid()) + "\n" + further_lines;
  const ssize_t written = ::write(file.get(), text.data(), text.size());
  if (written < 0) return fail_errno(errno, "write " + made.path_.string());
  return made;
}

PidFile::~PidFile() {
  if (!path_.empty() && pid_in(path_) == ::getpid()) ::unlink(path_.c_str());
}

}  // namespace isthmus::io
