// A new address of the peer's, which an authentic and newer packet came from, on its way to being believed
// (DESIGN section 5): packets go there only after a probe has been there and back. Until then no more than
// three times what came from there goes to it: two probes, each no longer than the shortest packet, and the
// Tunnel's own echo.
#pragma once

#include <optional>

#include "base/time.h"
#include "net/endpoint.h"
#include "session/path_health.h"

namespace isthmus::session {

inline constexpr int kMoveProbes = 2;

class RemoteMove {
 public:
  // `is_sure`: a packet came from there. A probe alone may come from a second address of a peer that tries
  // several: that moves us only if the old address falls silent.
  void begin(Instant now, const Endpoint& to, bool is_sure) {
    if (to_ == to && (!is_sure || is_sure_)) return;
    to_ = to;
    is_sure_ = is_sure;
    is_proven_ = false;
    began_ = now;
    left_ = kMoveProbes;
    at_ = now;
  }
  void end() { *this = RemoteMove{}; }

  // A probe to `to()` is due.
  [[nodiscard]] bool take_probe(Instant now) {
    if (!to_ || is_proven_ || left_ == 0 || now < at_) return false;
    --left_;
    at_ = now + kPathTick;
    return true;
  }
  // It came back.
  void prove(const Endpoint& from) { is_proven_ = is_proven_ || to_ == from; }

  // Whether packets shall go to `to()` now, if a probe to the old address came back last at `echo`. Reports
  // do not count: they do not say by which address it came what arrived.
  [[nodiscard]] bool is_due(Instant now, Instant echo) const {
    if (!is_proven_) return false;
    return is_sure_ || (echo < began_ && now >= began_ + 2 * kPathTick);
  }
  // Whether it has come to nothing.
  [[nodiscard]] bool is_over(Instant now) const { return to_ && now >= began_ + kSilentAfter; }

  [[nodiscard]] const std::optional<Endpoint>& to() const { return to_; }

 private:
  std::optional<Endpoint> to_;
  bool is_sure_ = false;
  bool is_proven_ = false;
  Instant began_{};
  Instant at_{};
  int left_ = 0;
};

}  // namespace isthmus::session
