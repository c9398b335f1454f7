#include "io/watch.h"

#include <fcntl.h>

#include <cerrno>
#include <tuple>

#include "io/unique_fd.h"

namespace isthmus::io {

Result<void> watch(asio::posix::stream_descriptor& readable, int fd, const std::string& what) {
  UniqueFd twin{fcntl(fd, F_DUPFD_CLOEXEC, 3)};
  if (!twin.is_open()) return fail_errno(errno, what);
  asio::error_code error;
  readable.assign(twin.get(), error);
  if (error) return fail_errno(error.value(), what);
  std::ignore = twin.release();  // it is the loop's now
  return {};
}

}  // namespace isthmus::io
