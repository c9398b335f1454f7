// Who started us: the person behind sudo, whose ssh configuration, agent and keys ssh is to use.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/child_process.h"

namespace isthmus::io {

struct InvokingUser {
  std::string name;
  std::string home;
  std::string shell;
  Credentials credentials;
  bool is_behind_sudo = false;
};

// Environment variables by name; nullopt if unset.
using EnvironmentLookup = std::function<std::optional<std::string>(const std::string&)>;
std::optional<std::string> environment_variable(const std::string& name);
// Ours, or where SUDO_UID says that sudo cleared it, that of the process which called sudo.
std::optional<std::string> original_environment_variable(const std::string& name);

// Under root, SUDO_UID is believed if passwd knows it by the name in SUDO_USER; otherwise the answer is who
// we are. kNotFound if passwd does not know that user.
Result<InvokingUser> find_invoking_user(const EnvironmentLookup& lookup = environment_variable);
// That user as passwd and group know it. kNotFound if they do not.
Result<InvokingUser> find_user(uid_t uid);

// The whole environment for ssh run as `user`: HOME, USER, LOGNAME, SHELL=/bin/sh (ssh runs a ProxyCommand by
// it), a fixed PATH, and what `lookup` has of terminal, display, language, Kerberos and askpass variables;
// SSH_AUTH_SOCK only if it names a socket that belongs to `user`.
std::vector<std::string> ssh_environment(const InvokingUser& user,
                                         const EnvironmentLookup& lookup = original_environment_variable);

}  // namespace isthmus::io
