// A repeatable RandomSource for tests and simulations: never for keys, identifiers or magic numbers of a live
// link.
#pragma once

#include <random>

#include "base/random_source.h"

namespace isthmus {

class SeededRandom final : public RandomSource {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  void fill(MutableBytes out) override {
    for (std::uint8_t& octet : out) octet = static_cast<std::uint8_t>(engine_());
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace isthmus
