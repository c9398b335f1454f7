// Values from one thread to another, and a descriptor that is readable while some wait. Takes a lock and may
// allocate: nothing for the packet path.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "base/result.h"
#include "io/unique_fd.h"

namespace isthmus::dataplane {

inline Result<io::UniqueFd> open_bell() {
  io::UniqueFd bell{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  if (!bell.is_open()) return fail_errno(errno, "open an eventfd");
  return bell;
}

template <typename T>
class Mailbox {
 public:
  explicit Mailbox(io::UniqueFd bell) : bell_(std::move(bell)) {}

  // Any thread. False, and the value is gone, if `most` wait already.
  bool post(T value, std::size_t most = SIZE_MAX) {
    {
      const std::scoped_lock lock{mutex_};
      if (waiting_.size() >= most) return false;
      waiting_.push_back(std::move(value));
    }
    const std::uint64_t one = 1;
    // It cannot fail but by a full counter, and then the descriptor is readable anyway.
    return ::write(bell_.get(), &one, sizeof one) > 0 || errno == EAGAIN;
  }

  // All that wait, oldest first.
  std::vector<T> take() {
    std::uint64_t count = 0;
    // Before they are taken: of one posted in between the bell rings once too often rather than never.
    if (::read(bell_.get(), &count, sizeof count) < 0) return {};
    const std::scoped_lock lock{mutex_};
    return std::exchange(waiting_, {});
  }

  // To wait on.
  [[nodiscard]] int fd() const { return bell_.get(); }

 private:
  io::UniqueFd bell_;
  std::mutex mutex_;
  std::vector<T> waiting_;
};

}  // namespace isthmus::dataplane
