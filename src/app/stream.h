// The octets of one call on their way through a pair of descriptors (ssh's pipes, a terminal): read as they
// come, written as fast as they are taken.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "io/unique_fd.h"

namespace isthmus::app {

struct StreamHandlers {
  std::function<void(ConstBytes)> octets;  // valid during the call
  std::function<void()> progressed;        // the far side took octets again after it had not for a while
  std::function<void()> drained;           // the backlog fell under the low mark
  std::function<void(std::string)> lost;   // end of file or an error, once, from the loop; why
};

class Stream : public std::enable_shared_from_this<Stream> {
 public:
  // Above the high mark nothing more should be fed in; below the low mark it may be again.
  static constexpr std::size_t kHighMark = 128 * 1024;
  static constexpr std::size_t kLowMark = 32 * 1024;
  // Above this nothing more is read either: who asks without end and takes no answer may not fill our memory.
  // Far above the high mark, so that two ends that both have much to say never wait for each other.
  static constexpr std::size_t kDeafMark = 1024 * 1024;

  // Both descriptors become non-blocking; they may be duplicates of each other.
  static Result<std::shared_ptr<Stream>> open(asio::io_context& loop, io::UniqueFd in, io::UniqueFd out,
                                              StreamHandlers handlers);
  Stream(asio::io_context& loop, int in, int out, StreamHandlers handlers);

  void start();
  void write(ConstBytes octets);
  [[nodiscard]] bool is_closed() const { return dead_; }
  [[nodiscard]] std::size_t backlog() const { return pending_.size() - sent_; }
  // What may be fed in before the high mark is reached.
  [[nodiscard]] std::size_t room() const { return backlog() < kHighMark ? kHighMark - backlog() : 0; }

  // Stops reading, sends what is pending as long as the far side takes it, then closes.
  void finish();
  // Closes now; no handler is called any more.
  void abandon();
  // Gives both descriptors to the caller (in, out) and is dead afterwards.
  [[nodiscard]] std::pair<io::UniqueFd, io::UniqueFd> release();

 private:
  void wait_readable();
  void read_some();
  void wait_writable();
  void write_some();
  ConstBytes write_now(ConstBytes octets);
  void lose(const std::string& why);
  void close();

  asio::posix::stream_descriptor in_, out_;
  StreamHandlers handlers_;
  Bytes incoming_;
  Bytes pending_;  // octets [sent_, end) are still to be written
  std::size_t sent_ = 0;
  bool waiting_writable_ = false;
  bool is_reading_held_ = false;  // until the far side has taken what is pending
  bool finishing_ = false;
  bool dead_ = false;
  bool abandoned_ = false;
};

}  // namespace isthmus::app
