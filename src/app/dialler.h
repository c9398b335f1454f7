// What an `up` knows about reaching its far end, from one dial to the next.
#pragma once

#include <optional>

#include "config/ssh_command.h"
#include "config/ssh_failure.h"
#include "config/ssh_settings.h"
#include "net/outer_path.h"

namespace isthmus::app {

class Dialler {
 public:
  // Before each dial: asks ssh what it would do, unless this one goes by address. Why this destination must
  // not be dialled, or nothing.
  std::optional<config::SshDiagnosis> look(const config::UpOptions& options);
  // The ssh of the dial that look() was for.
  config::SshCommand next_command(const config::UpOptions& options, const config::Greeting& caller);
  // A call stands, and goes there.
  void reached(const OuterPath& outer);

 private:
  [[nodiscard]] std::optional<config::SshConnector> connector(
      const config::UpOptions& options, const std::optional<config::KnownPlace>& known) const;

  config::SshSettings settings_;
  std::optional<config::KnownPlace> known_;  // of a far end reached without a proxy
  int dials_ = 0;
  int redials_since_reached_ = 0;
  bool by_address_ = false;  // the dial under way
};

}  // namespace isthmus::app
