// How `isthmus attach` was called: which login, which key, which command. For the log and for policy's notion
// of who asks; what an unprivileged user could have written is marked as claimed.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/invoking_user.h"
#include "net/endpoint.h"

namespace isthmus::io {

struct LoginKey {
  std::string type;         // "ssh-ed25519"
  std::string fingerprint;  // "SHA256:…" as ssh-keygen prints it
};

struct LoginContext {
  uid_t uid = 0;
  std::string user;                             // the name of uid
  std::optional<Endpoint> client, server;       // SSH_CONNECTION
  std::optional<LoginKey> key;                  // from SSH_USER_AUTH, with sshd's ExposeAuthInfo
  std::optional<std::string> original_command;  // SSH_ORIGINAL_COMMAND: a forced command replaced it
  std::optional<std::string> sudo_user;
  // The SSH variables were found in an ancestor's environment, for sudo had cleared ours: good for the log,
  // never for policy.
  bool is_claimed = false;

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

// The first public key in the text of the file that SSH_USER_AUTH names: "TYPE BASE64", or nullopt.
std::optional<std::string> public_key_in_auth_info(std::string_view text);

}  // namespace isthmus::io
