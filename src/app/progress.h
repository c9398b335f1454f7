// What `up` tells the person who waits: a line a step with its time, and a sign of life while nothing
// happens. Waits for nobody who does not read.
#pragma once

#include <unistd.h>

#include <optional>
#include <string>

#include "base/time.h"
#include "io/line_output.h"

namespace isthmus::app {

class Progress {
 public:
  explicit Progress(Instant begin) : begin_(begin), last_(begin), output_(STDOUT_FILENO) {}

  // "  link       LCP, IPCP and IPV6CP are open          0.03 s": the time since the step before.
  void step(Instant now, const std::string& name, const std::string& text);
  // A further line under the last step.
  void detail(const std::string& text);
  void line(const std::string& text);
  // Says what is waited for, and since when, if nothing has been said for a while; asks to be called again
  // then.
  [[nodiscard]] Instant still_waiting(Instant now, const std::string& what);
  [[nodiscard]] Duration elapsed(Instant now) const { return now - begin_; }

 private:
  Instant begin_, last_;
  std::optional<Instant> last_sign_;
  io::LineOutput output_;
};

// "0.42 s", "1.3 ms".
std::string seconds_text(Duration duration);
std::string milliseconds_text(Duration duration);

}  // namespace isthmus::app
