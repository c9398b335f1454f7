// How many seeds a simulation tries.
#pragma once

#include <cstdint>

namespace isthmus::session::testing {

// A sanitized program is many times slower, and looks for faults of another kind: a tenth will do.
constexpr std::uint64_t seeds(std::uint64_t wanted) {
#ifdef __SANITIZE_ADDRESS__
  return wanted / 10;
#else
  return wanted;
#endif
}

}  // namespace isthmus::session::testing
