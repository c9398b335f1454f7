// Whether what we send still arrives. Loss in one direction is invisible to the sender, so only the peer's
// word counts: a report of packets received, or the echo of a probe. Silence while nothing was sent means
// nothing.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/earlier.h"
#include "base/time.h"

namespace isthmus::session {

inline constexpr Duration kPathTick = std::chrono::milliseconds{500};
// What was sent and not confirmed for so long makes the path doubtful: it is probed once a tick.
inline constexpr Duration kDoubtAfter = std::chrono::milliseconds{500};
// And so long makes it dead: the stream takes over. Three seconds are allowed since the last packet arrived,
// which a report may tell a tick and a round trip later, and a busy machine later still.
inline constexpr Duration kSilentAfter = std::chrono::milliseconds{1750};
// An echo comes at once, no tick later.
inline constexpr Duration kUnansweredAfter = kSilentAfter - kPathTick;

class PathHealth {
 public:
  // A path that has just answered.
  void begin(Instant now) {
    confirmed_ = sent_;
    clear_at_ = observed_at_ = now;
    unconfirmed_since_.reset();
    asked_since_.reset();
  }

  // `sent` packets have gone out by now, ever; told every tick.
  void observe(Instant now, std::uint64_t sent) {
    // Nobody was there to answer while we slept.
    const bool has_slept = now - observed_at_ > kUnansweredAfter;
    if (has_slept && unconfirmed_since_) unconfirmed_since_ = now;
    if (has_slept && asked_since_) asked_since_ = now;
    if (sent != confirmed_ && !unconfirmed_since_) unconfirmed_since_ = has_slept ? now : clear_at_;
    if (!unconfirmed_since_) clear_at_ = now;
    sent_ = sent;
    observed_at_ = now;
  }

  // A probe went out, to which an answer is due even where nothing else was sent: the last took `round_trip`.
  void expect(Instant now, Duration round_trip) {
    if (!asked_since_) asked_since_ = now;
    answer_time_ = std::max(kUnansweredAfter, 2 * round_trip);
  }

  // Something of ours has arrived: all that was sent up to the last tick counts as confirmed.
  void confirm(Instant now) {
    confirmed_ = sent_;
    unconfirmed_since_.reset();
    asked_since_.reset();
    clear_at_ = now;
  }

  [[nodiscard]] bool is_doubtful(Instant now) const {
    const std::optional<Instant> since = earlier(unconfirmed_since_, asked_since_);
    return since && now - *since >= kDoubtAfter;
  }
  [[nodiscard]] bool is_silent(Instant now) const { return silent_at() && now >= *silent_at(); }
  [[nodiscard]] std::optional<Instant> silent_at() const {
    return earlier(later_by(kSilentAfter, unconfirmed_since_), later_by(answer_time_, asked_since_));
  }

 private:
  static std::optional<Instant> later_by(Duration time, std::optional<Instant> instant) {
    return instant ? std::optional{*instant + time} : std::nullopt;
  }

  std::uint64_t sent_ = 0, confirmed_ = 0;
  Instant clear_at_{};  // when nothing was unconfirmed, last
  Instant observed_at_{};
  std::optional<Instant> unconfirmed_since_;  // packets that went out
  std::optional<Instant> asked_since_;        // a probe that went out
  Duration answer_time_ = kUnansweredAfter;
};

}  // namespace isthmus::session
