// A timer on CLOCK_BOOTTIME for the event loop: unlike Asio's own it counts while the machine sleeps.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <functional>
#include <optional>

#include "base/result.h"
#include "base/time.h"

namespace isthmus::io {

class BootTimer {
 public:
  static Result<BootTimer> create(asio::io_context& loop, std::function<void()> on_time);

  // Calls back once at `deadline`, or at once if it has passed; replaces an earlier deadline; never, if
  // empty.
  void set(std::optional<Instant> deadline);

 private:
  struct State;
  explicit BootTimer(std::shared_ptr<State> state) : state_(std::move(state)) {}

  std::shared_ptr<State> state_;  // shared with the pending wait, which outlives the timer by one loop turn
};

}  // namespace isthmus::io
