// CHECK(condition): for our own bugs only, never for what a peer or a user sent. Aborts with the place.
#pragma once

namespace isthmus {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}

#define CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::isthmus::check_failed(#condition, __FILE__, __LINE__))
