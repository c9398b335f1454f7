// The raw words of `up` and `plan`, between CLI11 and UpOptions. For command_line.cc alone.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "config/commands.h"

namespace CLI {
class App;
}

namespace isthmus::config {

struct UpWords {
  std::string destination, port, jump, ssh_config, ssh_program, remote_command, name, interface, mtu, hold,
      path, udp_port;
  std::vector<std::string> identities, ssh_options, offers, accepts, addresses, hosts, ciphers, rekey_after;
  bool proxy_arp = false, masquerade = false, no_guard = false, detach = false;
  int verbosity = 0;
};

// `words` must outlive `app`.
void declare(CLI::App& app, UpWords& words);
Result<UpOptions> make_options(const UpWords& words);

// What to say about a word that `app` does not know.
std::string describe_extras(const CLI::App& app, const std::vector<std::string>& words);

}  // namespace isthmus::config
