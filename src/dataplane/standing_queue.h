// Keeps the queue in front of a socket from standing. Eight MiB of it, which a burst may need, are ten
// milliseconds of TCP's making at full speed, if nobody tells TCP.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"
#include "net/codel.h"

namespace isthmus::dataplane {

class StandingQueue {
 public:
  // Whether what is taken out of the queue now, after it waited that long, is to be marked: treated as though
  // a router on the way had written Congestion Experienced (RFC 8289 with RFC 3168).
  [[nodiscard]] bool marks(Instant now, Duration waited) {
    const bool is_ok = codel_.is_ok_to_drop(now, waited, false);
    if (!is_ok) {
      codel_.is_dropping = false;
      return false;
    }
    if (!codel_.is_dropping) {
      codel_.is_dropping = true;
      codel_.begin_dropping(now);
      return true;
    }
    if (!codel_.is_next_due(now)) return false;
    codel_.dropped_next();
    codel_.count = std::min(codel_.count, kMostCount);
    return true;
  }

  // Nothing waits here but for this machine's own processor, whose turns take a millisecond or more. At its
  // rate, gigabits a second, what a sender has under way is acknowledged within some milliseconds: its window
  // holds no more. RFC 8289 section 4.3 wants the interval of that order.
  static constexpr Duration kTarget = std::chrono::milliseconds{1};
  static constexpr Duration kInterval = std::chrono::milliseconds{10};
  // Senders that heed nothing, or a flood, would bring the law to mark everything.
  static constexpr std::uint32_t kMostCount = 100;

 private:
  Codel codel_{.target = kTarget, .interval = kInterval};
};

}  // namespace isthmus::dataplane
