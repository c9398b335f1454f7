// What OpenSSH would do for a destination, as its own `ssh -G` says: the user's configuration is ssh's to
// read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace isthmus::config {

struct SshSettings {
  std::string host_name;  // after Host and HostName; empty: nothing is known
  std::uint16_t port = 22;
  std::string host_key_alias;  // empty: none
  bool is_direct = false;      // neither ProxyJump nor ProxyCommand
  std::string weakness;        // the settings by which any machine would be taken for the far side; or empty
};

// Lines as `ssh -G` prints them, "key value…"; unknown keys are skipped.
SshSettings parse_ssh_settings(std::string_view text);

// The name under which known_hosts has the key of the machine: host_key_alias, else as ssh makes it of host
// name and port.
std::string known_hosts_name(const SshSettings& settings);

}  // namespace isthmus::config
