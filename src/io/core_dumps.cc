#include "io/core_dumps.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/check.h"

namespace isthmus::io {

void forbid_core_dumps() {
  constexpr rlimit kNone{0, 0};
  CHECK(::setrlimit(RLIMIT_CORE, &kNone) == 0);
  CHECK(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
}

}  // namespace isthmus::io
