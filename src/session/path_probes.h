// Probes of a DatagramPath that have not come back: what each was sent for, by its token.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "base/guard.h"
#include "base/random_source.h"
#include "base/time.h"
#include "esp/tunnel_event.h"
#include "net/endpoint.h"
#include "session/path_health.h"

namespace isthmus::session {

struct PathProbe {
  enum class Purpose : std::uint8_t {
    kCandidate,  // is there a path to this address?
    kHealth,     // does the path still work?
    kSize,       // does this size pass?
    kMove,       // is the peer there now?
  };
  Purpose purpose = Purpose::kHealth;
  esp::Generation generation{};
  Endpoint to;
  std::size_t size = 0;
  std::uint64_t token = 0;
  Instant sent{};
};

class PathProbes {
 public:
  static constexpr std::size_t kMost = 128;                        // the oldest are forgotten
  static constexpr Duration kPatience = std::chrono::seconds{10};  // an echo later than this means nothing
  // Beyond, none is sent, whatever asks for it: two rounds of candidates, and the answers to the peer's.
  static constexpr std::size_t kMostATick = 48;

  // `random` must outlive this.
  explicit PathProbes(RandomSource& random) : random_(&random) {}

  // Gives it a token, which cannot be guessed, and remembers it. Empty: too many have gone out in this tick.
  std::optional<PathProbe> add(PathProbe probe) {
    if (probe.sent >= tick_ + kPathTick) {
      tick_ = probe.sent;
      in_tick_ = 0;
    }
    if (++in_tick_ > kMostATick) return std::nullopt;
    if (probes_.size() >= kMost) probes_.pop_front();
    probe.token = random_->u64();
    return probes_.emplace_back(probe);
  }

  // The probe that came back, once.
  std::optional<PathProbe> take(Instant now, const esp::EchoArrived& echo) {
    for (auto probe = probes_.begin(); probe != probes_.end(); ++probe) {
      const bool is_it = probe->token == echo.token && probe->generation == echo.generation;
      if (!guard<Guard::kProbeToken>(is_it)) continue;
      const PathProbe found = *probe;
      probes_.erase(probe);
      return now - found.sent > kPatience ? std::nullopt : std::optional{found};
    }
    return std::nullopt;
  }

 private:
  RandomSource* random_;
  std::deque<PathProbe> probes_;
  Instant tick_{};
  std::size_t in_tick_ = 0;
};

}  // namespace isthmus::session
