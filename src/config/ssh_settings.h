// What OpenSSH would do for a destination, as its own `ssh -G` says: the user's configuration is ssh's to
// read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/ssh_target.h"

namespace isthmus::config {

struct SshSettings {
  std::string host_name;  // after Host and HostName; empty: nothing is known
  std::uint16_t port = 22;
  std::string host_key_alias;  // empty: none
  bool is_direct = false;      // neither ProxyJump nor ProxyCommand
  // Where we may connect in ssh's place; nothing if the configuration asks for what only ssh itself does.
  std::optional<SshTarget> target;
  std::string ciphers;   // in the order ssh would propose, separated by commas
  std::string weakness;  // the settings by which any machine would be taken for the far side; or empty
};

// Lines as `ssh -G` prints them, "key value…"; unknown keys are skipped.
SshSettings parse_ssh_settings(std::string_view text);

// The name under which known_hosts has the key of the machine: host_key_alias, else as ssh makes it of host
// name and port.
std::string known_hosts_name(const SshSettings& settings);

// The same ciphers with aes128-gcm first, which processors with AES instructions do several times as fast as
// the others. Empty: the list stays as it is, since it lacks that one, or does not begin as OpenSSH's own
// does and so may be an order that somebody chose.
std::string with_aes_gcm_first(std::string_view ciphers);

}  // namespace isthmus::config
