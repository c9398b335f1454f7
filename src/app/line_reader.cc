#include "app/line_reader.h"

#include <asio/buffer.hpp>
#include <utility>

namespace isthmus::app {
namespace {

constexpr std::size_t kMaxLine = 1024;  // what is longer comes in pieces

}  // namespace

LineReader::LineReader(asio::io_context& loop, io::UniqueFd from,
                       std::function<void(const std::string&)> line)
    : from_(loop, from.release()), line_(std::move(line)) {}

void LineReader::start() {
  from_.async_read_some(asio::buffer(buffer_),
                        [self = shared_from_this()](const asio::error_code& error, std::size_t count) {
                          if (self->stopped_) return;
                          self->take(count);
                          if (!error) return self->start();
                          if (!self->partial_.empty()) self->line_(std::exchange(self->partial_, {}));
                        });
}

void LineReader::stop() {
  stopped_ = true;
  asio::error_code ignored;
  from_.close(ignored);
}

void LineReader::take(std::size_t count) {
  for (std::size_t place = 0; place < count; ++place) {
    const char next = buffer_[place];
    const bool is_end = next == '\n' || next == '\r';
    if (!is_end) partial_.push_back(next);
    if (!partial_.empty() && (is_end || partial_.size() >= kMaxLine)) line_(std::exchange(partial_, {}));
  }
}

}  // namespace isthmus::app
