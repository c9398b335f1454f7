// The MTU of the tunnel interface: what both ends agreed on, or what fits into a datagram if that is less.
// What the kernel refuses is asked for again: soon, as it may be a matter of the moment, and then once a
// minute.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/time.h"

namespace isthmus::app {

class TunnelMtu {
 public:
  static constexpr Duration kPause = std::chrono::seconds{2};
  static constexpr int kSoonTries = 5;
  static constexpr Duration kLongPause = std::chrono::minutes{1};

  // The largest inner packet, in octets, as PPP has it of both ends.
  void agreed(int most) { agreed_ = most; }
  // Empty: the peer takes no datagrams.
  void datagrams_take(std::optional<int> most) {
    datagrams_ = most;
    tries_ = 0;
    at_.reset();
  }
  // Empty as long as nothing is agreed on.
  [[nodiscard]] std::optional<int> wanted() const {
    return agreed_ ? std::optional{std::min(*agreed_, datagrams_.value_or(*agreed_))} : std::nullopt;
  }

  // What the kernel is to be asked for now.
  [[nodiscard]] std::optional<int> due(Instant now) const {
    const bool must_wait = at_ && now < *at_;
    return wanted() == set_ || must_wait ? std::nullopt : wanted();
  }
  // The kernel has it so.
  void set(int mtu) {
    set_ = mtu;
    tries_ = 0;
    at_.reset();
  }
  void refused(Instant now) { at_ = now + (++tries_ < kSoonTries ? kPause : kLongPause); }
  [[nodiscard]] std::optional<Instant> next_deadline() const { return wanted() == set_ ? std::nullopt : at_; }

 private:
  std::optional<int> agreed_, datagrams_, set_;
  int tries_ = 0;
  std::optional<Instant> at_;
};

}  // namespace isthmus::app
