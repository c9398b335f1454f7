// The programs that a call starts, as the user who asked: ssh, and our own for it to run.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "config/commands.h"
#include "config/ssh_command.h"
#include "config/ssh_settings.h"
#include "io/child_process.h"

namespace isthmus::app {

// What ssh would do for this destination, as the invoking user; nothing known where that is not OpenSSH's
// ssh, or it fails: then the call itself will say why.
config::SshSettings read_ssh_settings(const config::UpOptions& options);

// Our own program, if the user that ssh runs as may execute it.
std::optional<std::string> program_for_ssh();

// ssh as the invoking user, with pipes for all three standard streams.
Result<io::ChildProcess> start_ssh(const config::SshCommand& command);

}  // namespace isthmus::app
