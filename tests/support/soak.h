// Whether a test runs at length: `make soak` asks for it by ISTHMUS_SOAK=1.
#pragma once

#include <cstdlib>
#include <string_view>

namespace isthmus {

inline bool is_soak() {
  const char* soak = std::getenv("ISTHMUS_SOAK");
  return soak != nullptr && std::string_view{soak} == "1";
}

}  // namespace isthmus
