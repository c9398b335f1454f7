// When to dial again: about every second for the first half minute, then less and less often, with jitter.
#pragma once

#include <algorithm>

#include "base/random_source.h"
#include "base/time.h"

namespace isthmus::session {

class Backoff {
 public:
  static constexpr Duration kEager = std::chrono::seconds{30};  // how long we try about every second
  static constexpr Duration kFirst = std::chrono::seconds{1};
  static constexpr Duration kLongest = std::chrono::seconds{10};

  // `random` must outlive the backoff.
  explicit Backoff(RandomSource& random) : random_(&random) {}

  // Starts counting: the stream was lost at `now`, or the network has changed and eagerness is worth it
  // again.
  void restart(Instant now) {
    since_ = now;
    pause_ = kFirst;
  }

  // When to try next after a try that failed at `now`: 1 s ± 10 % at first, then doubling up to 10 s ± 20 %,
  // never more than 10 s.
  Instant after_failure(Instant now) {
    if (now - since_ < kEager) return now + jittered(kFirst, 10);
    pause_ = std::min(pause_ * 2, kLongest);
    return now + std::min(jittered(pause_, 20), kLongest);
  }

 private:
  Duration jittered(Duration base, int percent) {
    const auto spread = base.count() * percent / 100;
    const auto offset =
        static_cast<Duration::rep>(random_->u64() % static_cast<std::uint64_t>(2 * spread + 1)) - spread;
    return Duration{base.count() + offset};
  }

  RandomSource* random_;
  Instant since_{};
  Duration pause_ = kFirst;
};

}  // namespace isthmus::session
