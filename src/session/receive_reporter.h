// When the receiving end says how much of the stream has come: its reports are the sender's clock.
#pragma once

#include <algorithm>
#include <optional>

#include "base/time.h"

namespace isthmus::session {

// Only packets make a report due, never reports alone: two ends would answer each other without end. After a
// silence the first packets are reported at once, then all that come within an interval together. A sender
// whose window is small waits for each report: one that came late by rule, and not by the path, would keep
// its window small for ever.
class ReceiveReporter {
 public:
  // A quarter of the sender's window where the stream is fast (2 Gbit/s: half a millisecond), and few enough
  // reports that they cost nothing.
  static constexpr std::uint64_t kOctets = 128 * 1024;

  // Between two reports, on a path of this minimum RTT: always well below StreamWindow's headroom, and not so
  // short that reports fill a narrow way back.
  static constexpr Duration interval(Duration min_rtt) {
    return std::clamp<Duration>(min_rtt / 16, std::chrono::microseconds{450}, std::chrono::milliseconds{5});
  }

  // What is known of the path.
  void set_min_rtt(Duration min_rtt) { interval_ = interval(min_rtt); }

  // `octets` of the stream came, with a packet in them.
  void packets_received(Instant now, std::uint64_t octets) {
    if (!since_) since_ = now;
    octets_ += octets;
  }

  [[nodiscard]] bool is_due(Instant now) const {
    const std::optional<Instant> deadline = next_deadline();
    return deadline && now >= *deadline;
  }

  // When a report becomes due if nothing more comes.
  [[nodiscard]] std::optional<Instant> next_deadline() const {
    if (!since_ || !reported_at_ || octets_ >= kOctets) return since_;
    return std::max(*since_, *reported_at_ + interval_);
  }

  // A report went out that tells of everything received up to now.
  void reported(Instant now) {
    since_.reset();
    reported_at_ = now;
    octets_ = 0;
  }

 private:
  Duration interval_ = interval(Duration{});
  std::optional<Instant> reported_at_;
  std::optional<Instant> since_;  // when the first octets came that no report tells of
  std::uint64_t octets_ = 0;
};

}  // namespace isthmus::session
