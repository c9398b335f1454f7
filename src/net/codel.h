// When a queue that stands too long drops or marks a packet: CoDel (RFC 8289).
#pragma once

#include <cmath>
#include <cstdint>

#include "base/time.h"

namespace isthmus {

// The state of one queue; the queue itself is elsewhere. The names are those of RFC 8289 section 5.
struct Codel {
  // The queue had nothing to give, or what it gave had not stood longer than the target.
  void went_below() {
    first_above = {};
    is_above = false;
  }

  // Section 5.6, dodequeue: whether the packet that waited for `sojourn` may be dropped. `is_spared`: so few
  // octets are left behind it that the queue is not to be made shorter.
  bool is_ok_to_drop(Instant now, Duration sojourn, bool is_spared) {
    if (sojourn < target || is_spared) {
      went_below();
      return false;
    }
    if (is_above) return now >= first_above;
    is_above = true;
    first_above = now + interval;
    return false;
  }

  // Section 5.5: the first drop of a dropping state.
  void begin_dropping(Instant now) {
    is_dropping = true;
    const std::uint32_t delta = count - last_count;
    // Near enough to the last dropping state, the rate that was right then is a good first guess.
    count = delta > 1 && now - drop_next < 16 * interval ? delta : 1;
    drop_next = control_law(now);
    last_count = count;
  }

  // ... and every further one.
  [[nodiscard]] bool is_next_due(Instant now) const { return is_dropping && now >= drop_next; }
  void dropped_next() {
    ++count;
    drop_next = control_law(drop_next);
  }

  [[nodiscard]] Instant control_law(Instant from) const {
    const double divisor = std::sqrt(static_cast<double>(count));
    return from + Duration{static_cast<Duration::rep>(static_cast<double>(interval.count()) / divisor)};
  }

  // How long a packet may stand, and how long all of them must have stood longer before that counts: the
  // round trip of the flows in it.
  Duration target = std::chrono::milliseconds{5};
  Duration interval = std::chrono::milliseconds{100};

  Instant first_above{};
  Instant drop_next{};
  std::uint32_t count = 0;
  std::uint32_t last_count = 0;
  bool is_above = false;  // whether first_above is set
  bool is_dropping = false;
};

}  // namespace isthmus
