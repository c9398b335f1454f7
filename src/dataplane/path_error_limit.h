// How much a worker heeds what is said about its datagrams: whoever sees one of them can forge ICMP messages
// about it, as many as he likes.
#pragma once

#include <array>
#include <cstddef>

#include "base/time.h"
#include "io/udp_socket.h"

namespace isthmus::dataplane {

class PathErrorLimit {
 public:
  // Whether this one is to be passed on. Each kind has its own few a period: this machine's own word, an MTU
  // by ICMP, anything else. So none of them is crowded out by what is easier to provoke.
  [[nodiscard]] bool takes(Instant now, const io::PathError& error) {
    begin_period(now);
    ++read_;
    return ++told_[kind_of(error)] <= kTold;
  }
  // So many came in this period that reading them is work of its own: nothing more is to be heard until
  // is_over().
  [[nodiscard]] bool is_flooded() const { return read_ >= kFlood; }
  [[nodiscard]] bool is_over(Instant now) const { return now >= began_ + kPeriod; }

  static constexpr Duration kPeriod = std::chrono::seconds{1};
  static constexpr unsigned kTold = 4;
  static constexpr unsigned kFlood = 1024;
  static constexpr std::size_t kKinds = 3;

 private:
  static std::size_t kind_of(const io::PathError& error) {
    if (error.is_local) return 0;
    return error.mtu ? 1 : 2;
  }
  void begin_period(Instant now) {
    if (!is_over(now)) return;
    began_ = now;
    read_ = 0;
    told_ = {};
  }

  Instant began_{};
  unsigned read_ = 0;
  std::array<unsigned, kKinds> told_{};
};

}  // namespace isthmus::dataplane
