// Tells a dead peer from a quiet or a busy one: when to send an Echo-Request, and when to give the peer up.
//
// Any good frame is life, and so is a carrier that takes octets again after having been full. From the last
// sign of life on the peer has `dead_after_idle`; once we send it something it has `dead_after_busy` from
// then, if that is sooner. Echo-Requests go out every `echo_interval` without life, and every second while
// busy, so that a living peer has something to answer.
#pragma once

#include <optional>

#include "base/time.h"

namespace isthmus::ppp {

class LifeWatch {
 public:
  struct Limits {
    Duration echo_interval;
    Duration dead_after_idle;
    Duration dead_after_busy;
  };
  enum class Verdict : std::uint8_t { kFine, kEchoDue, kDead };

  static constexpr Duration kBusyEchoInterval = std::chrono::seconds{1};
  // A check that comes later than this slept with its machine, or was stopped. It has not listened either, so
  // it asks once more before it judges.
  static constexpr Duration kOverslept = std::chrono::seconds{2};

  LifeWatch(Limits limits, Instant now) : limits_(limits) { heard(now); }

  void heard(Instant now);
  void sent(Instant now);

  // The caller sends the echo for kEchoDue; each is due once.
  Verdict check(Instant now);
  [[nodiscard]] Instant next_deadline() const;

 private:
  [[nodiscard]] Instant echo_due() const;
  [[nodiscard]] Instant dead_at() const;

  Limits limits_;
  Instant heard_{};
  std::optional<Instant> busy_since_;  // the first packet sent after heard_
  std::optional<Instant> echoed_;      // the last echo after heard_
};

}  // namespace isthmus::ppp
