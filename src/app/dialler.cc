#include "app/dialler.h"

#include "app/ssh_call.h"

namespace isthmus::app {

std::optional<config::SshDiagnosis> Dialler::look(const config::UpOptions& options) {
  settings_ = read_ssh_settings(options);
  if (settings_.weakness.empty()) return std::nullopt;
  return config::diagnose_unchecked_host_key(settings_.weakness);
}

std::vector<std::string> Dialler::next_command(const config::UpOptions& options,
                                               const config::Greeting& caller) {
  const config::Dial dial = dials_++ == 0 ? config::Dial::kFirst : config::Dial::kAgain;
  // A name server may lie beyond the tunnel that is down. By name again every other time: the machine may
  // have moved.
  const bool by_address = known_ && ++redials_since_reached_ % 2 == 1;
  return config::ssh_command(options, caller, dial, by_address ? known_ : std::nullopt);
}

void Dialler::reached(const OuterPath& outer) {
  redials_since_reached_ = 0;
  if (!settings_.is_direct || outer.remote.size() != 1) return;
  known_ = config::KnownPlace{outer.remote.front().address.to_string(), config::known_hosts_name(settings_)};
}

}  // namespace isthmus::app
