// How many seeds a simulation tries.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace isthmus::session::testing {

// A sanitized program is many times slower, and looks for faults of another kind: a tenth will do. With
// ISTHMUS_SOAK=1 there are ten times as many.
inline std::uint64_t seeds(std::uint64_t wanted) {
  const char* soak = std::getenv("ISTHMUS_SOAK");
  if (soak != nullptr && std::string_view{soak} == "1") wanted *= 10;
#ifdef __SANITIZE_ADDRESS__
  return wanted / 10;
#else
  return wanted;
#endif
}

}  // namespace isthmus::session::testing
