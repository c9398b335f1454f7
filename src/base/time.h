// Time is a parameter: the core never reads a clock. Instants are CLOCK_BOOTTIME, which counts in sleep too.
#pragma once

#include <chrono>

namespace isthmus {

using Duration = std::chrono::nanoseconds;

// The clock that Instants belong to. It has no now(): only io::boot_now() reads it.
struct BootClock {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
};

using Instant = BootClock::time_point;

}  // namespace isthmus
