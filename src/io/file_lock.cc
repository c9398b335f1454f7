#include "io/file_lock.h"

#include <fcntl.h>

#include <cerrno>

namespace isthmus::io {
namespace {

struct flock whole_file() {
  struct flock range{};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  return range;
}

}  // namespace

Result<UniqueFd> lock_file(const std::filesystem::path& path) {
  UniqueFd file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!file.is_open()) return fail_errno(errno, "open " + path.string());
  struct flock range = whole_file();
  while (::fcntl(file.get(), F_OFD_SETLKW, &range) != 0) {
    if (errno != EINTR) return fail_errno(errno, "lock " + path.string());
  }
  return file;
}

Result<bool> try_lock(int fd) {
  struct flock range = whole_file();
  if (::fcntl(fd, F_OFD_SETLK, &range) == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  return fail_errno(errno, "lock a journal");
}

Result<bool> is_locked(int fd) {
  struct flock range = whole_file();
  if (::fcntl(fd, F_OFD_GETLK, &range) != 0) return fail_errno(errno, "ask for a journal's lock");
  return range.l_type != F_UNLCK;
}

}  // namespace isthmus::io
