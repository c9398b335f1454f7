// How `isthmus attach` was called: which login, which key, which command. What somebody else than root could
// have written is good for the log and never for policy.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/invoking_user.h"
#include "io/outer_endpoint.h"
#include "net/endpoint.h"

namespace isthmus::io {

struct LoginKey {
  std::string type;         // "ssh-ed25519"
  std::string fingerprint;  // "SHA256:…" as ssh-keygen prints it
};

struct LoginContext {
  uid_t uid = 0;
  std::string user;                             // the name of uid
  std::optional<Endpoint> client;               // SSH_CONNECTION: for the log
  std::optional<LoginKey> key;                  // from SSH_USER_AUTH, with sshd's ExposeAuthInfo
  std::optional<std::string> original_command;  // SSH_ORIGINAL_COMMAND: a forced command replaced it
  // Who became root to call us, by sudo, doas, pkexec, su or a set-uid program; empty if nobody did.
  std::string became_root;
  // The SSH variables were found in an ancestor's environment, for sudo or its like had cleared ours.
  bool is_claimed = false;
  // A login as root that the kernel shows: for policy.
  bool is_root_login = false;
  // The ssh connection that the login came by, as the kernel shows it: for policy.
  std::optional<TcpConnection> connection;

  // "root from 192.0.2.7:51234 with key ssh-ed25519 SHA256:…": one line for the log.
  [[nodiscard]] std::string describe() const;
};

LoginContext read_login_context();

// The value of SSH_CONNECTION: "CLIENT PORT SERVER PORT".
struct SshConnection {
  Endpoint client, server;
  friend bool operator==(const SshConnection&, const SshConnection&) = default;
};
Result<SshConnection> parse_ssh_connection(std::string_view text);

// The text of the file that sshd named in SSH_USER_AUTH; empty if it is no plain file of ours or root's, or a
// link. Nothing else is ever opened for reading: to open a device may be to do something.
std::string read_auth_info(const std::string& path);
// The first public key in the text of the file that SSH_USER_AUTH names: "TYPE BASE64", or nullopt.
std::optional<std::string> public_key_in_auth_info(std::string_view text);

}  // namespace isthmus::io
