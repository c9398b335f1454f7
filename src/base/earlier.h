// Of two deadlines that may both be none.
#pragma once

#include <algorithm>
#include <optional>

#include "base/time.h"

namespace isthmus {

// The earlier of them, or the one that there is.
inline std::optional<Instant> earlier(const std::optional<Instant>& a, const std::optional<Instant>& b) {
  if (!a) return b;
  if (!b) return a;
  return std::min(*a, *b);
}

}  // namespace isthmus
