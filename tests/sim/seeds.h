// How much a simulation tries.
#pragma once

#include <cstdint>

#include "support/soak.h"

namespace isthmus::session::testing {

// A sanitized program is many times slower, and looks for faults of another kind: a tenth will do. At length
// there are ten times as many.
inline std::uint64_t seeds(std::uint64_t wanted) {
  if (is_soak()) wanted *= 10;
#ifdef __SANITIZE_ADDRESS__
  return wanted / 10;
#else
  return wanted;
#endif
}

}  // namespace isthmus::session::testing
