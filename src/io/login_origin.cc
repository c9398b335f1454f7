#include "io/login_origin.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string>

#include "base/guard.h"
#include "io/ancestor_environment.h"

namespace isthmus::io {
namespace {

constexpr int kMaxAncestors = 16;
// What /proc/PID/loginuid holds where nobody has logged in: (uid_t)-1.
constexpr uid_t kNobodyLoggedIn = static_cast<uid_t>(-1);

// The first that is not root's of a process's four user ids (real, effective, saved, of the file system);
// root if all are, nullopt if there is no such process.
std::optional<uid_t> owner_of(pid_t pid) {
  std::ifstream status{"/proc/" + std::to_string(pid) + "/status"};
  std::string word;
  while (status >> word && word != "Uid:") status.ignore(4096, '\n');
  std::array<uid_t, 4> ids{};
  for (uid_t& id : ids) status >> id;
  if (!status) return std::nullopt;
  const auto other = std::ranges::find_if(ids, [](uid_t id) { return id != 0; });
  return other == ids.end() ? 0 : *other;
}

uid_t login_uid(pid_t pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/loginuid"};
  uid_t uid = kNobodyLoggedIn;
  return file >> uid ? uid : kNobodyLoggedIn;
}

std::optional<TcpConnection> connection_to(const Endpoint& client, pid_t holder) {
  const auto connections = tcp_connections(holder);
  if (!connections) return std::nullopt;
  // One that root did not make was given to root's program by its caller, as sudo's standard input may be.
  const auto place = std::ranges::find_if(*connections, [&](const TcpConnection& connection) {
    return connection.remote == client && guard<Guard::kLoginSocket>(connection.maker == 0);
  });
  if (place == connections->end()) return std::nullopt;
  return *place;
}

}  // namespace

LoginOrigin read_login_origin(const std::optional<Endpoint>& client) {
  LoginOrigin origin;
  pid_t pid = getppid();
  for (int depth = 0; depth < kMaxAncestors && pid > 1 && !origin.connection; ++depth) {
    const std::optional<uid_t> owner = owner_of(pid);
    if (!owner) break;
    if (*owner != 0 && !origin.above) origin.above = owner;
    if (*owner == 0 && client) origin.connection = connection_to(*client, pid);
    pid = parent_of(pid).value_or(0);
  }
  // A server that was itself started from somebody's login passes that on where it sets none; `pid` is its
  // parent.
  const uid_t logged_in = login_uid(getpid());
  const bool is_of_server = origin.connection && pid > 0 && logged_in == login_uid(pid);
  if (logged_in != 0 && logged_in != kNobodyLoggedIn && !is_of_server) origin.logged_in = logged_in;
  // Of a program that is set-uid to root the groups are still its caller's.
  const bool is_root_alone = guard<Guard::kLoginGroups>(getuid() == 0 && getgid() == 0 && getegid() == 0);
  const bool is_nobody_between = guard<Guard::kLoginAncestors>(!origin.above) && !origin.logged_in;
  origin.is_root_login = origin.connection && is_nobody_between && is_root_alone;
  return origin;
}

}  // namespace isthmus::io
