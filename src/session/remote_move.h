// A new address of the peer's, which an authentic and newer packet came from, on its way to being believed
// (DESIGN section 5): packets go there only after a probe has been there and back. Until then no more than
// three times what came from there goes to it: two probes, each no longer than the shortest packet, and the
// Tunnel's own echo. However many addresses are heard of, one probe a tick goes out.
#pragma once

#include <algorithm>
#include <optional>
#include <utility>

#include "base/guard.h"
#include "base/time.h"
#include "net/endpoint.h"
#include "session/path_health.h"

namespace isthmus::session {

inline constexpr int kMoveProbes = 2;
// An address that was not needed, because the old one answered, is not tried again for so long. If it has
// answered as well, it is where to go when the old one becomes doubtful.
inline constexpr Duration kMoveRest = std::chrono::seconds{30};

class RemoteMove {
 public:
  // For so long the old address may still show that it answers, and is kept then. None: it is left as soon
  // as the new one answers. False if nothing comes of it.
  bool begin(Instant now, const Endpoint& to, Duration patience) {
    const bool is_sure = patience == Duration{};
    const bool is_sure_already = to_ && patience_ == Duration{};
    if (is_sure_already && (!is_sure || to_ == to)) return false;
    if (!is_sure && (to_ == to || (rested_ == to && now < rested_until_))) return false;
    // A probe to it that is back already still counts.
    if (to_ != to) proven_at_.reset();
    to_ = to;
    patience_ = patience;
    began_ = now;
    left_ = kMoveProbes;
    return true;
  }
  // It has come to nothing.
  void end() { to_.reset(); }
  // Packets go to `to()`.
  void finish(Instant now) {
    to_.reset();
    rested_.reset();
    finished_ = now;
  }
  // The last move is long ago, if there was one.
  [[nodiscard]] bool is_rare(Instant now) const { return !finished_ || now - *finished_ >= kMoveRest; }
  // The old address has answered.
  void keep_old(Instant now) {
    rested_ = to_;
    is_spare_ = proven_at_.has_value();
    rested_until_ = now + kMoveRest;
    end();
  }
  // The old address no longer answers as it should.
  void doubt(Instant now) {
    const std::optional<Endpoint> rested = std::exchange(rested_, std::nullopt);
    if (rested && is_spare_ && !to_) begin(now, *rested, 2 * kPathTick);
  }

  // A probe to `to()` is due.
  [[nodiscard]] bool take_probe(Instant now) {
    if (!to_ || proven_at_ || !guard<Guard::kMoveProbes>(left_ > 0) || now < at_) return false;
    --left_;
    at_ = now + kPathTick;
    return true;
  }
  // It came back.
  void prove(Instant now, const Endpoint& from) {
    if (to_ == from && !proven_at_) proven_at_ = now;
    if (rested_ == from) is_spare_ = true;
  }

  // `answered`: when the last probe went out to the old address that came back. Reports do not count: they do
  // not say by which address it came what arrived. The old address gets twice the time that the new one took.
  [[nodiscard]] bool is_due(Instant now, Instant answered) const {
    if (!to_ || !guard<Guard::kProvenAddress>(proven_at_.has_value())) return false;
    if (patience_ == Duration{}) return true;
    return answered < began_ && now >= began_ + std::max(patience_, 2 * (*proven_at_ - began_));
  }
  [[nodiscard]] bool is_needless(Instant answered) const {
    return to_ && patience_ > Duration{} && answered >= began_;
  }
  // Whether it has come to nothing.
  [[nodiscard]] bool is_over(Instant now) const { return to_ && now >= began_ + kSilentAfter; }

  [[nodiscard]] const std::optional<Endpoint>& to() const { return to_; }

 private:
  std::optional<Endpoint> to_, rested_;
  Duration patience_{};
  std::optional<Instant> proven_at_, finished_;
  bool is_spare_ = false;  // `rested_` has answered
  Instant began_{}, rested_until_{};
  Instant at_{};  // no probe before
  int left_ = 0;
};

}  // namespace isthmus::session
