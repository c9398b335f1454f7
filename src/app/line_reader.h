// What a program writes to its standard error, line by line, in the event loop.
#pragma once

#include <array>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "io/unique_fd.h"

namespace isthmus::app {

class LineReader : public std::enable_shared_from_this<LineReader> {
 public:
  // `line` is called without the line's end, never for an empty one, and never after stop().
  LineReader(asio::io_context& loop, io::UniqueFd from, std::function<void(const std::string&)> line);

  void start();
  void stop();

 private:
  void take(std::size_t count);

  asio::posix::stream_descriptor from_;
  std::function<void(const std::string&)> line_;
  std::array<char, 4096> buffer_{};
  std::string partial_;
  bool stopped_ = false;
};

}  // namespace isthmus::app
