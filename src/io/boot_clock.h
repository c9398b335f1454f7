// The one place that reads a clock for the core.
#pragma once

#include "base/time.h"

namespace isthmus::io {

// CLOCK_BOOTTIME: never set back, and counts while the machine sleeps.
Instant boot_now();

}  // namespace isthmus::io
