// Sessions that outlive the command that began them: `up --detach`, and the owner that `attach` leaves
// behind.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "io/control_socket.h"
#include "io/unique_fd.h"

namespace isthmus::io {

// setsid, chdir /, standard streams to /dev/null.
Result<void> leave_terminal();

// Held by the process that goes on. Until proven() it has the terminal, its standard streams and ctrl-C as
// before the fork, so that ssh may prompt and progress is seen.
class DetachedSession {
 public:
  explicit DetachedSession(UniqueFd verdict) : verdict_(std::move(verdict)) {}

  // We leave the terminal, and the waiting parent exits with `exit_code` (0, or that the proof fell short).
  Result<void> proven(std::uint8_t exit_code = 0);

 private:
  UniqueFd verdict_;
};

// What the waiting parent has to exit with: what proven() said, else the session's own exit code, or 128 plus
// the signal that ended it.
struct ParentVerdict {
  int exit_code = 0;
};

// Forks: call before any thread exists. Returns DetachedSession in the child at once, and ParentVerdict in
// the parent when the child is proven or has ended. The parent passes SIGTERM, SIGHUP and a SIGINT that was
// sent to it alone on to the child; a ctrl-C reaches both, and the parent leaves the answer to the child.
Result<std::variant<DetachedSession, ParentVerdict>> detach_session();

// Starts `program`, by default this one again, as `isthmus ARGUMENTS…` in a session of its own: default
// signals, directory /, standard output and error on /dev/null, so that sshd's hang-up does not reach it and
// its caller's end leaves it to init. Returns our end of a channel to it, over which the caller passes its
// stream.
Result<ControlConnection> start_session_owner(const std::vector<std::string>& arguments,
                                              const std::string& program = "/proc/self/exe");

// In the owner, first of all: its end of that channel, which was its standard input; /dev/null takes its
// place.
Result<ControlConnection> take_owner_channel();

}  // namespace isthmus::io
