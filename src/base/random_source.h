// Where random octets come from: the system's generator in io, a seeded one in tests.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace isthmus {

class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual void fill(MutableBytes out) = 0;

  std::uint32_t u32() { return static_cast<std::uint32_t>(number<4>()); }
  std::uint64_t u64() { return number<8>(); }

 private:
  template <std::size_t N>
  std::uint64_t number() {
    std::array<std::uint8_t, N> octets{};
    fill(octets);
    std::uint64_t value = 0;
    for (const std::uint8_t octet : octets) value = (value << 8) | octet;
    return value;
  }
};

}  // namespace isthmus
