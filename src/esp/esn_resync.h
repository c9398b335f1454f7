// Finds the upper half of an extended sequence number again after 2^32 packets or more in a row were lost
// (RFC 4303 appendix A3): after many failures in a row one packet is tried with a few higher halves.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace isthmus::esp {

class EsnResync {
 public:
  // Failures in a row before an attempt, and halves tried in one. Forged packets cost at most 8 more openings
  // in 1,024, so nobody gains by sending them.
  static constexpr std::uint32_t kTrigger = 1024;
  static constexpr std::uint32_t kTries = 8;
  // Longer packets are not tried: opening in place destroys a packet, so one that is tried must be copied
  // first.
  static constexpr std::size_t kLongest = 9216;

  // Allocates what an attempt needs.
  EsnResync() : copy_(kLongest) {}

  void note_success() { failures_ = 0; }
  void note_failure() { ++failures_; }

  // Whether the next packet is to be tried if it fails. Then keep() it before it is opened.
  [[nodiscard]] bool is_due(std::size_t packet) const { return failures_ >= kTrigger && packet <= kLongest; }
  void keep(ConstBytes packet);
  // What keep() kept; valid until the next keep(). The attempt is made with it: the failures count anew.
  [[nodiscard]] ConstBytes take_kept();

 private:
  std::uint32_t failures_ = 0;
  Bytes copy_;
  std::size_t size_ = 0;
};

}  // namespace isthmus::esp
