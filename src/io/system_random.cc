#include "io/system_random.h"

#include <sys/random.h>

#include <cerrno>

#include "base/check.h"

namespace isthmus::io {

void SystemRandom::fill(MutableBytes out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    // Without randomness there is nothing safe to do: a predictable magic number or key is worse than no
    // link.
    CHECK(got > 0);
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace isthmus::io
