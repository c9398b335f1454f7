#include "io/fresh_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace isthmus::io {

Result<UniqueFd> make_fresh_file(const std::filesystem::path& path) {
  ::unlink(path.c_str());
  UniqueFd file{::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!file.is_open()) return fail_errno(errno, "make " + path.string());
  return file;
}

Result<void> write_whole(int fd, std::string_view text, const std::filesystem::path& path) {
  while (!text.empty()) {
    const ssize_t length = ::write(fd, text.data(), text.size());
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return fail_errno(errno, "write " + path.string());
    text.remove_prefix(static_cast<std::size_t>(length));
  }
  return {};
}

Result<void> replace_file(const std::filesystem::path& path, const std::filesystem::path& fresh,
                          std::string_view text) {
  const UniqueFd file = TRY(make_fresh_file(fresh));
  TRY(write_whole(file.get(), text, fresh));
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return fail_errno(errno, "rename " + fresh.string());
  return {};
}

}  // namespace isthmus::io
