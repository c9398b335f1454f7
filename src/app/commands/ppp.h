// The command `isthmus ppp`.
#pragma once

#include "config/ppp_options.h"

namespace isthmus::app {

// To the end of the link, or, when it detaches, of the waiting for it. Returns one of config::PppExit.
int run_ppp(const config::PppOptions& options);

}  // namespace isthmus::app
