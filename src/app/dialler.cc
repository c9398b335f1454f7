#include "app/dialler.h"

#include "app/ssh_program.h"
#include "crypto/aead.h"

namespace isthmus::app {

std::optional<config::SshDiagnosis> Dialler::look(const config::UpOptions& options) {
  // A name server may lie beyond the tunnel that is down. By name again every other time: the machine may
  // have moved, and the configuration may say something else where we are now.
  by_address_ = known_ && ++redials_since_reached_ % 2 == 1;
  if (by_address_) return std::nullopt;
  settings_ = read_ssh_settings(options);
  if (settings_.weakness.empty()) return std::nullopt;
  return config::diagnose_unchecked_host_key(settings_.weakness);
}

config::SshCommand Dialler::next_command(const config::UpOptions& options, const config::Greeting& caller) {
  config::DialChoices choices;
  choices.dial = dials_++ == 0 ? config::Dial::kFirst : config::Dial::kAgain;
  if (by_address_) choices.known = known_;
  choices.connector = connector(options, choices.known);
  if (crypto::has_aes_instructions()) choices.ciphers = config::with_aes_gcm_first(settings_.ciphers);
  return config::ssh_command(options, caller, choices);
}

std::optional<config::SshConnector> Dialler::connector(const config::UpOptions& options,
                                                       const std::optional<config::KnownPlace>& known) const {
  if (!settings_.target || !config::starts_ssh_itself(options.ssh_words)) return std::nullopt;
  const std::optional<std::string> program = program_for_ssh();
  if (!program) return std::nullopt;
  config::SshConnector connector{*program, *settings_.target};
  if (known) connector.target.host = known->address;
  return connector;
}

void Dialler::reached(const OuterPath& outer) {
  redials_since_reached_ = 0;
  if (!settings_.is_direct || outer.remote.size() != 1) return;
  known_ = config::KnownPlace{outer.remote.front().address.to_string(), config::known_hosts_name(settings_)};
}

}  // namespace isthmus::app
