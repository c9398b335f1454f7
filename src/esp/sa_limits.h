// How much may be sent with one key: at a soft limit it is time for the next one, at a hard one it ends.
#pragma once

#include <cstdint>

namespace isthmus::esp {

struct SaLimits {
  std::uint64_t soft_packets = std::uint64_t{1} << 28;
  std::uint64_t soft_blocks = std::uint64_t{1} << 34;  // of 16 octets
  // The last sequence number that may go out. Without ESN the counter must not come round (RFC 4303 section
  // 3.3.3); 2^16 numbers are left for what a receiver with a large window is still to sort out.
  std::uint64_t hard_packets = 0;
  // Calls of the block cipher: one for each block, and one a packet for the ICV (RFC 4106 section 10).
  std::uint64_t hard_calls = (std::uint64_t{1} << 36) - 1;

  static constexpr SaLimits of(bool is_esn) {
    SaLimits limits;
    limits.hard_packets = is_esn ? limits.hard_calls : (std::uint64_t{1} << 32) - (std::uint64_t{1} << 16);
    return limits;
  }

  friend bool operator==(const SaLimits&, const SaLimits&) = default;
};

}  // namespace isthmus::esp
