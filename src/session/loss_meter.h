// How much of what we send the peer reports to have received, over windows of some two seconds.
#pragma once

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

  // A report came when `sent` packets had gone out, ever. Whether anything of ours has arrived since the
  // last.
  bool report(Instant now, std::uint64_t sent, const PathReport& report) {
    std::uint64_t arrived = 0;
    for (const PathReport::Received& now_received : report.received) arrived += newly(now_received);
    last_ = report.received;
    arrived_ += arrived;
    close_window(now, sent);
    return arrived > 0;
  }

  // Of the last window in which enough was sent, in thousandths; then forgotten.
  [[nodiscard]] std::optional<unsigned> take_loss() { return std::exchange(fresh_, std::nullopt); }
  [[nodiscard]] unsigned per_mille() const { return per_mille_; }

 private:
  // Counts begin anew with each generation, and end with it.
  [[nodiscard]] std::uint64_t newly(const PathReport::Received& received) const {
    for (const PathReport::Received& before : last_) {
      if (before.generation == received.generation)
        return received.packets > before.packets ? received.packets - before.packets : 0;
    }
    return received.packets;
  }

  void close_window(Instant now, std::uint64_t sent) {
    if (now - since_ < kWindow) return;
    const std::uint64_t out = sent - sent_before_;
    if (out >= kLeastPackets) {
      const std::uint64_t lost = out > arrived_ ? out - arrived_ : 0;
      per_mille_ = static_cast<unsigned>(lost * 1000 / out);
      fresh_ = per_mille_;
    }
    since_ = now;
    sent_before_ = sent;
    arrived_ = 0;
  }

  std::vector<PathReport::Received> last_;
  Instant since_{};
  std::uint64_t sent_before_ = 0;
  std::uint64_t arrived_ = 0;
  unsigned per_mille_ = 0;
  std::optional<unsigned> fresh_;
};

}  // namespace isthmus::session
