#include "app/owner_setup.h"

#include <unistd.h>

namespace isthmus::app {

SessionState first_state(const OwnerSetup& setup, std::int64_t process) {
  SessionState state;
  state.session = setup.session;
  state.role = setup.dial ? "up" : "attach";
  state.is_adopted = setup.site.is_adopted();
  state.pid = process;
  state.phase = "calling";
  if (setup.dial) state.destination = setup.dial->destination.to_string();
  return state;
}

io::LogLevel log_level(int verbosity) {
  if (verbosity >= 2) return io::LogLevel::kFrame;
  return verbosity == 1 ? io::LogLevel::kNegotiation : io::LogLevel::kNotice;
}

io::LogOptions log_options(const OwnerSetup& setup) {
  io::LogOptions options{.most = log_level(setup.verbosity)};
  const bool is_watched = isatty(STDOUT_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
  options.is_beside_progress = setup.progress && setup.verbosity == 0 && is_watched;
  return options;
}

}  // namespace isthmus::app
