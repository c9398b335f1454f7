// Lines for a person, to a descriptor that may be a terminal stopped by ctrl-S or a pipe that nobody reads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace isthmus::io {

// Never waits: a line that cannot be taken at once is left out, and the number of these is told before the
// next one that can.
class LineOutput {
 public:
  // `fd` stays the caller's.
  explicit LineOutput(int fd) : fd_(fd) {}

  // `line` without its end; `prefix` goes before it, and before the word on lines left out.
  void write(std::string_view prefix, std::string_view line);

 private:
  int fd_;
  std::uint64_t left_out_ = 0;
};

}  // namespace isthmus::io
