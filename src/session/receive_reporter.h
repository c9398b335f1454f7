// When the receiving end says how much of the stream has come: its reports are the sender's clock.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace isthmus::session {

// Only packets make a report due, never reports alone: two ends would answer each other without end.
class ReceiveReporter {
 public:
  // A quarter of the sender's window where the stream is fast (2 Gbit/s: half a millisecond), and few enough
  // reports that they cost nothing.
  static constexpr std::uint64_t kOctets = 128 * 1024;
  // Less than the smallest headroom of StreamWindow, so that waiting for a report never closes a window.
  static constexpr Duration kDelay = std::chrono::milliseconds{2};

  // `octets` of the stream came, with a packet in them.
  void packets_received(Instant now, std::uint64_t octets) {
    if (!since_) since_ = now;
    octets_ += octets;
  }

  [[nodiscard]] bool is_due(Instant now) const {
    return since_ && (octets_ >= kOctets || now >= *since_ + kDelay);
  }

  // When a report becomes due if nothing more comes.
  [[nodiscard]] std::optional<Instant> next_deadline() const {
    if (!since_) return std::nullopt;
    return octets_ >= kOctets ? *since_ : *since_ + kDelay;
  }

  // A report went out that tells of everything received up to now.
  void reported() {
    since_.reset();
    octets_ = 0;
  }

 private:
  std::optional<Instant> since_;  // when the first octets came that no report tells of
  std::uint64_t octets_ = 0;
};

}  // namespace isthmus::session
