// What ssh runs as its ProxyCommand: makes the connection and passes it to ssh, which is our parent.
#include <fmt/format.h>
#include <string.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "app/commands/commands.h"
#include "config/ssh_target.h"
#include "io/invoking_user.h"
#include "io/tcp_connector.h"

namespace isthmus::app {
namespace {

constexpr std::chrono::seconds kBetweenAttempts{1};  // as ssh waits

// In ssh's own words, which people know and config/ssh_failure.cc tells apart.
void say(const std::string& text) {
  std::fputs(fmt::format("ssh: {}\n", text).c_str(), stderr);
}

Result<io::UniqueFd> connect_to(const std::vector<io::SocketAddress>& addresses,
                                const config::SshTarget& target) {
  const auto patience = target.timeout.count() > 0 ? std::optional<Duration>{target.timeout} : std::nullopt;
  for (int attempt = 1;; ++attempt) {
    Result<io::UniqueFd> connection = io::connect_to_any(addresses, patience);
    if (connection || attempt >= target.attempts) return connection;
    std::this_thread::sleep_for(kBetweenAttempts);
  }
}

}  // namespace

bool run_connect_for_ssh() {
  const Result<void> bound = io::end_with_parent(STDOUT_FILENO);
  const auto target =
      config::decode_ssh_target(io::environment_variable(config::kConnectVariable).value_or(""));
  if (!bound || !target) {
    say((bound ? target.error() : bound.error()).message);
    return false;
  }
  const auto addresses = io::resolve_host(target->host, target->port, target->family);
  if (!addresses) {
    say(fmt::format("Could not resolve hostname {}: {}", target->host, addresses.error().message));
    return false;
  }
  const Result<io::UniqueFd> connection = connect_to(*addresses, *target);
  if (!connection) {
    say(fmt::format("connect to host {} port {}: {}", target->host, target->port,
                    strerror(connection.error().os_errno)));
    return false;
  }
  io::tune_for_tunnel(connection->get());
  const Result<void> passed = io::pass_descriptor(STDOUT_FILENO, connection->get());
  if (!passed) say(passed.error().message);
  return passed.has_value();
}

}  // namespace isthmus::app
