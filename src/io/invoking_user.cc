#include "io/invoking_user.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "base/guard.h"
#include "base/parse_number.h"
#include "io/ancestor_environment.h"

namespace isthmus::io {
namespace {

constexpr const char* kPath = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";
constexpr std::array kPassedOn{"TERM",
                               "DISPLAY",
                               "WAYLAND_DISPLAY",
                               "XAUTHORITY",
                               "LANG",
                               "LANGUAGE",
                               "LC_ALL",
                               "LC_CTYPE",
                               "LC_MESSAGES",
                               "TZ",
                               "KRB5CCNAME",
                               "KRB5_CONFIG",
                               "SSH_ASKPASS",
                               "XDG_RUNTIME_DIR",
                               "SSH_ASKPASS_REQUIRE",
                               "DBUS_SESSION_BUS_ADDRESS"};

std::vector<gid_t> groups_of(const passwd& entry) {
  int count = 64;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  // A first answer of -1 tells in `count` how many there are.
  if (getgrouplist(entry.pw_name, entry.pw_gid, groups.data(), &count) < 0) {
    groups.resize(static_cast<std::size_t>(count));
    if (getgrouplist(entry.pw_name, entry.pw_gid, groups.data(), &count) < 0) return {entry.pw_gid};
  }
  groups.resize(static_cast<std::size_t>(count));
  return groups;
}

bool is_socket_of(const std::string& path, uid_t uid) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode) &&
         guard<Guard::kAgentOwner>(status.st_uid == uid);
}

}  // namespace

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

std::optional<std::string> original_environment_variable(const std::string& name) {
  if (std::optional<std::string> value = environment_variable(name)) return value;
  if (geteuid() != 0 || !environment_variable("SUDO_UID")) return std::nullopt;
  return ancestor_variable(name);
}

Result<InvokingUser> find_user(uid_t uid) {
  std::array<char, 16384> storage{};
  passwd entry{};
  passwd* found = nullptr;
  const int status = getpwuid_r(uid, &entry, storage.data(), storage.size(), &found);
  if (status != 0) return fail_errno(status, "look up user " + std::to_string(uid));
  if (found == nullptr)
    return fail(Error::Code::kNotFound, "user " + std::to_string(uid) + " is not in the passwd database");
  return InvokingUser{
      entry.pw_name, entry.pw_dir, entry.pw_shell, {entry.pw_uid, entry.pw_gid, groups_of(entry)}, false};
}

Result<InvokingUser> find_invoking_user(const EnvironmentLookup& lookup) {
  const uid_t own = getuid();
  const std::optional<std::string> sudo_uid = lookup("SUDO_UID");
  const std::optional<std::string> sudo_user = lookup("SUDO_USER");
  if (own != 0 || !sudo_uid || !sudo_user) return find_user(own);
  const std::optional<uid_t> uid = parse_number<uid_t>(*sudo_uid);
  if (!uid) return find_user(own);
  Result<InvokingUser> user = find_user(*uid);
  if (!user || !guard<Guard::kSudoEnvironment>(user->name == *sudo_user)) return find_user(own);
  user->is_behind_sudo = true;
  return user;
}

std::vector<std::string> ssh_environment(const InvokingUser& user, const EnvironmentLookup& lookup) {
  std::vector<std::string> environment{"HOME=" + user.home, "USER=" + user.name, "LOGNAME=" + user.name,
                                       "SHELL=/bin/sh", std::string{"PATH="} + kPath};
  for (const char* name : kPassedOn) {
    if (const std::optional<std::string> value = lookup(name))
      environment.push_back(std::string{name} + "=" + *value);
  }
  const std::optional<std::string> agent = lookup("SSH_AUTH_SOCK");
  if (agent && is_socket_of(*agent, user.credentials.uid)) environment.push_back("SSH_AUTH_SOCK=" + *agent);
  return environment;
}

}  // namespace isthmus::io
