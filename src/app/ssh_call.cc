#include "app/ssh_call.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "config/ssh_failure.h"

namespace isthmus::app {
namespace {

constexpr std::size_t kMostKept = 16 * 1024;

}  // namespace

SshCall::SshCall(asio::io_context& loop, io::UniqueFd errors, Handlers handlers)
    : handlers_(std::move(handlers)), errors_(loop, errors.release()) {
  fcntl(errors_.native_handle(), F_SETFL, O_NONBLOCK);
  read_errors();
}

void SshCall::read_errors() {
  errors_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const asio::error_code& error) {
    if (error) return;
    std::array<char, 4096> buffer{};
    const ssize_t count = ::read(errors_.native_handle(), buffer.data(), buffer.size());
    if (count > 0) said_.append(buffer.data(), static_cast<std::size_t>(count));
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) errors_open_ = false;
    note_lines();
    if (errors_open_) return read_errors();
    check_end();
  });
}

void SshCall::note_lines() {
  for (std::size_t end = said_.find('\n', reported_); end != std::string::npos;
       end = said_.find('\n', reported_)) {
    std::string line = said_.substr(reported_, end - reported_);
    if (line.ends_with('\r')) line.pop_back();
    if (config::is_echo_of_connector(line, std::string_view{said_}.substr(0, reported_))) {
      said_.erase(reported_, end + 1 - reported_);
      continue;
    }
    reported_ = end + 1;
    if (!line.empty()) handlers_.said(line);
  }
  if (said_.size() <= kMostKept) return;
  const std::size_t surplus = said_.size() - kMostKept;
  said_.erase(0, surplus);
  reported_ -= std::min(reported_, surplus);
}

// A ControlMaster or an agent it started may hold stderr open: what it said by now is what it said.
void SshCall::process_ended(const io::ExitStatus& status) {
  status_ = status;
  if (errors_open_) {
    std::array<char, 4096> buffer{};
    ssize_t count = 0;
    while ((count = ::read(errors_.native_handle(), buffer.data(), buffer.size())) > 0) {
      said_.append(buffer.data(), static_cast<std::size_t>(count));
    }
    note_lines();
    errors_open_ = false;
    asio::error_code ignored;
    errors_.close(ignored);
  }
  check_end();
}

void SshCall::check_end() {
  if (!status_ || errors_open_ || !handlers_.ended) return;
  std::exchange(handlers_.ended, nullptr)();
}

}  // namespace isthmus::app
