// The line that describe_frame() writes: bounded, and printable whatever a peer sent.
#pragma once

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "ppp/describe.h"

namespace isthmus::ppp {

class Description {
 public:
  // Once the line is full, nothing more is added. The arguments must be printable and short.
  template <typename... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    if (!is_full()) fmt::format_to(std::back_inserter(line_), format, std::forward<Args>(args)...);
  }

  // A space and the first octets in hexadecimal; nothing for none.
  void add_octets(ConstBytes octets);
  // In quotes; what is not printable ASCII as \xNN.
  void add_text(ConstBytes text);

  [[nodiscard]] bool is_full() const { return line_.size() > kMaxDescription; }

  // The line, cut with "..." if it grew beyond kMaxDescription.
  [[nodiscard]] std::string take();

 private:
  std::string line_;
};

}  // namespace isthmus::ppp
