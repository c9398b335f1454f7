// What all processes of a session are told once, by the command that makes it.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "app/progress.h"
#include "app/session_state.h"
#include "app/site.h"
#include "base/time.h"
#include "config/commands.h"
#include "config/exit_codes.h"
#include "io/log.h"

namespace isthmus::app {

struct OwnerSetup {
  std::string session;
  Site site;
  std::optional<config::UpOptions> dial = {};  // an `up`; empty at the called end
  bool plan_only = false;
  std::optional<Duration> hold = {};
  int verbosity = 0;
  std::optional<Progress> progress = {};                   // for a person who watches
  std::function<void(config::ExitCode)> when_proven = {};  // `--detach` lets go of its terminal here
};

// What `status` says of it at the beginning; `process` is the monitor's.
SessionState first_state(const OwnerSetup& setup, std::int64_t process);
io::LogLevel log_level(int verbosity);
// On a terminal, unless it was asked to be told all, a person reads progress and nothing twice.
io::LogOptions log_options(const OwnerSetup& setup);

}  // namespace isthmus::app
