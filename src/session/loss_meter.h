// How much of what we send is lost, by what the peer reports, over windows of some two seconds. How much had
// gone out when a report was made only the peer can say, by the sequence numbers it has seen: a count of ours
// is up to a tick and a round trip newer, so that a burst would look lost.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/time.h"
#include "session/datagram_message.h"

namespace isthmus::session {

class LossMeter {
 public:
  static constexpr Duration kWindow = std::chrono::seconds{2};
  static constexpr std::uint64_t kLeastPackets = 10;  // below, a window says nothing

  // Whether anything of ours has arrived since the last report.
  [[nodiscard]] bool report(Instant now, const PathReport& report) {
    bool has_arrived = false;
    std::uint64_t gone = 0;
    std::uint64_t arrived = 0;
    for (const PathReport::Received& received : report.received) {
      const PathReport::Received before = last_of(received.generation);
      const std::uint64_t more = growth(before.packets, received.packets);
      has_arrived |= more > 0;
      if (!received.highest) continue;
      arrived += more;
      gone += growth(before.highest.value_or(0), *received.highest);
    }
    last_ = report.received;
    gone_ += gone;
    arrived_ += arrived;
    close_window(now);
    if (gone >= kLeastPackets && 2 * arrived < gone) fresh_ = share_lost(gone, arrived);
    return has_arrived;
  }

  // Of the last window in which enough was sent, or, sooner, of a single report that tells of as much and of
  // more lost than arrived; in thousandths; then forgotten.
  [[nodiscard]] std::optional<unsigned> take_loss() { return std::exchange(fresh_, std::nullopt); }
  [[nodiscard]] unsigned per_mille() const { return per_mille_; }

 private:
  // Counts begin anew with each generation, and end with it.
  [[nodiscard]] PathReport::Received last_of(esp::Generation generation) const {
    const auto last = std::ranges::find(last_, generation, &PathReport::Received::generation);
    return last == last_.end() ? PathReport::Received{} : *last;
  }
  static std::uint64_t growth(std::uint64_t before, std::uint64_t now) {
    return now > before ? now - before : 0;
  }

  static unsigned share_lost(std::uint64_t gone, std::uint64_t arrived) {
    return static_cast<unsigned>(growth(arrived, gone) * 1000 / gone);
  }

  void close_window(Instant now) {
    if (now - since_ < kWindow) return;
    if (gone_ >= kLeastPackets) {
      per_mille_ = share_lost(gone_, arrived_);
      fresh_ = per_mille_;
    }
    since_ = now;
    gone_ = arrived_ = 0;
  }

  std::vector<PathReport::Received> last_;
  Instant since_{};
  std::uint64_t gone_ = 0, arrived_ = 0;  // in this window
  unsigned per_mille_ = 0;
  std::optional<unsigned> fresh_;
};

}  // namespace isthmus::session
