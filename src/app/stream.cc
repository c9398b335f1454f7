#include "app/stream.h"

#include <fcntl.h>
#include <unistd.h>

#include <asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

namespace isthmus::app {
namespace {

constexpr std::size_t kReadSize = 256 * 1024;
constexpr int kReadsPerTurn = 4;  // then the other descriptors have their turn

Result<void> make_non_blocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
    return fail_errno(errno, "make the stream non-blocking");
  return {};
}

}  // namespace

Result<std::shared_ptr<Stream>> Stream::open(asio::io_context& loop, io::UniqueFd in, io::UniqueFd out,
                                             StreamHandlers handlers) {
  TRY(make_non_blocking(in.get()));
  TRY(make_non_blocking(out.get()));
  return std::make_shared<Stream>(loop, in.release(), out.release(), std::move(handlers));
}

Stream::Stream(asio::io_context& loop, int in, int out, StreamHandlers handlers)
    : in_(loop, in), out_(loop, out), handlers_(std::move(handlers)), incoming_(kReadSize) {}

void Stream::start() {
  wait_readable();
}

void Stream::wait_readable() {
  in_.async_wait(asio::posix::stream_descriptor::wait_read,
                 [self = shared_from_this()](const asio::error_code& error) {
                   if (!error && !self->dead_ && !self->finishing_) self->read_some();
                 });
}

void Stream::read_some() {
  for (int turn = 0; turn < kReadsPerTurn; ++turn) {
    const ssize_t count = ::read(in_.native_handle(), incoming_.data(), incoming_.size());
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (count < 0) return lose(std::strerror(errno));
    if (count == 0) return lose("the stream has ended");
    handlers_.octets(ConstBytes{incoming_}.first(static_cast<std::size_t>(count)));
    if (dead_ || finishing_) return;
    is_reading_held_ = backlog() > kDeafMark;
    if (is_reading_held_) return;
    if (static_cast<std::size_t>(count) < incoming_.size() / 2) break;
  }
  wait_readable();
}

void Stream::write(ConstBytes octets) {
  if (dead_ || octets.empty()) return;
  // Mostly all of it is taken at once, and never copied.
  const ConstBytes left = waiting_writable_ ? octets : write_now(octets);
  if (dead_ || left.empty()) return;
  pending_.insert(pending_.end(), left.begin(), left.end());
  if (!waiting_writable_) wait_writable();
}

// What is left when the far side takes no more; if the stream is lost over it, nothing is.
ConstBytes Stream::write_now(ConstBytes octets) {
  while (!octets.empty()) {
    const ssize_t count = ::write(out_.native_handle(), octets.data(), octets.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) break;
    if (count < 0) {
      lose(std::strerror(errno));
      return {};
    }
    octets = octets.subspan(static_cast<std::size_t>(count));
  }
  return octets;
}

void Stream::write_some() {
  const ConstBytes left = write_now(ConstBytes{pending_}.subspan(sent_));
  if (dead_) return;
  sent_ = pending_.size() - left.size();
  if (!left.empty()) return wait_writable();
  pending_.clear();
  sent_ = 0;
  if (finishing_) abandon();
}

void Stream::wait_writable() {
  if (sent_ > kHighMark) {  // keep the buffer from growing at its front
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(sent_));
    sent_ = 0;
  }
  waiting_writable_ = true;
  out_.async_wait(asio::posix::stream_descriptor::wait_write,
                  [self = shared_from_this()](const asio::error_code& error) {
                    self->waiting_writable_ = false;
                    if (error || self->dead_) return;
                    self->write_some();
                    if (self->dead_ || self->finishing_) return;
                    self->handlers_.progressed();
                    if (self->backlog() > kLowMark) return;
                    self->handlers_.drained();
                    if (std::exchange(self->is_reading_held_, false)) self->wait_readable();
                  });
}

// The handler runs from the loop, never from within a write(): its caller may be walking over what the
// handler removes.
void Stream::lose(const std::string& why) {
  if (dead_) return;
  const bool tell = !finishing_;
  close();
  if (!tell) return;
  asio::post(in_.get_executor(), [self = shared_from_this(), why] {
    if (!self->abandoned_) self->handlers_.lost(why);
  });
}

void Stream::finish() {
  if (dead_) return;
  finishing_ = true;
  asio::error_code ignored;
  in_.cancel(ignored);
  if (backlog() == 0) abandon();
}

void Stream::abandon() {
  abandoned_ = true;
  close();
}

void Stream::close() {
  if (std::exchange(dead_, true)) return;
  asio::error_code ignored;
  in_.close(ignored);
  out_.close(ignored);
}

std::pair<io::UniqueFd, io::UniqueFd> Stream::release() {
  dead_ = abandoned_ = true;
  return {io::UniqueFd{in_.release()}, io::UniqueFd{out_.release()}};
}

}  // namespace isthmus::app
