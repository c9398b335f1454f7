// Key material: octets that are wiped when their owner goes, and that nothing copies or prints by accident.
#pragma once

#include <string.h>  // explicit_bzero is no part of <cstring>

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace isthmus {

// Zeroes the octets. Unlike memset before the end of an object's life, no compiler may drop it.
inline void wipe(MutableBytes octets) {
  explicit_bzero(octets.data(), octets.size());
}

// N octets, all zero at first. Moving wipes the source; there is no copy, no comparison and no text of it.
template <std::size_t N>
class Secret {
 public:
  Secret() = default;
  ~Secret() { wipe(octets_); }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  Secret(Secret&& other) noexcept : octets_(other.octets_) { wipe(other.octets_); }
  Secret& operator=(Secret&& other) noexcept {
    if (this == &other) return *this;
    octets_ = other.octets_;
    wipe(other.octets_);
    return *this;
  }

  // Both are valid until the Secret is moved or destroyed.
  MutableBytes writable() { return octets_; }
  [[nodiscard]] ConstBytes reveal() const { return octets_; }

 private:
  std::array<std::uint8_t, N> octets_{};
};

}  // namespace isthmus
