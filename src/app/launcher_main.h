// The launcher's own side (app/launcher.h): with root's rights, and little to read: its monitor's requests,
// what `ssh -G` prints for the user who calls, and /proc.
#pragma once

#include "app/launcher.h"

namespace isthmus::app {

// Serves until the monitor is gone, or sends what is no request; the exit status of the process. Its children
// end with it.
int launcher_main(io::ControlConnection requests, const OwnerSetup& setup, const EngineMain& engine);

}  // namespace isthmus::app
