// The kernel's generator, for magic numbers, identifiers and keys.
#pragma once

#include "base/random_source.h"

namespace isthmus::io {

class SystemRandom final : public RandomSource {
 public:
  void fill(MutableBytes out) override;
};

}  // namespace isthmus::io
