// The commands, each from its understood options to an exit status.
#pragma once

#include <string>

#include "app/monitor.h"
#include "config/commands.h"
#include "config/exit_codes.h"

namespace isthmus::app {

config::ExitCode run_up(const config::UpOptions& options);
config::ExitCode run_plan(const config::UpOptions& options);
config::ExitCode run_down(const config::DownCommand& command);
config::ExitCode run_status(const config::StatusCommand& command);
config::ExitCode run_cleanup(const config::CleanupCommand& command);
// What sshd runs: finds or starts the session's owner and gives it the stream.
config::ExitCode run_attach(const config::AttachCommand& command);
// That owner; started by `attach` and by nobody else, with its stream on a channel.
config::ExitCode run_session_owner();

// What ssh runs to be passed its connection; the word for it is config::kConnectForSshWord. Whether it was
// passed one; if not, standard error says why.
bool run_connect_for_ssh();

// The monitor of a session, whose engine waits to begin.
Result<std::unique_ptr<Monitor>> open_session(asio::io_context& loop, const OwnerSetup& setup);

// The word that selects run_session_owner(); no command of users'.
inline constexpr const char* kSessionOwnerWord = "session-owner";

// "isthmus: TEXT" on standard error.
void complain(const std::string& text);
// Whether we are root; if not, standard error gets the sentence `otherwise`.
bool is_root(const std::string& otherwise);
// The same for those that join.
bool may_change_machine();

}  // namespace isthmus::app
