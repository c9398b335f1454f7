#include "io/line_output.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <utility>

namespace isthmus::io {
namespace {

// A pipe that polls as writable has room for PIPE_BUF octets, which is more than a line.
bool can_write_now(int fd) {
  pollfd polled{fd, POLLOUT, 0};
  return poll(&polled, 1, 0) == 1 && (polled.revents & POLLOUT) != 0;
}

}  // namespace

void LineOutput::write(std::string_view prefix, std::string_view line) {
  if (!can_write_now(fd_)) {
    ++left_out_;
    return;
  }
  std::string text;
  if (left_out_ > 0) text = fmt::format("{}({} lines left out)\n", prefix, std::exchange(left_out_, 0));
  text += fmt::format("{}{}\n", prefix, line);
  // An output that is gone is no reason to stop.
  [[maybe_unused]] const ssize_t written = ::write(fd_, text.data(), text.size());
}

}  // namespace isthmus::io
