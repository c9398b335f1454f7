#include "io/sandbox.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <tuple>

#include "io/core_dumps.h"
#include "io/landlock.h"
#include "io/system_call_filter.h"

namespace isthmus::io {
namespace {

struct User {
  uid_t uid = 65534;
  gid_t gid = 65534;
};

User sandbox_user() {
  for (const char* name : {kSandboxUser, "nobody"}) {
    const passwd* entry = getpwnam(name);
    if (entry != nullptr && entry->pw_uid != 0) return {entry->pw_uid, entry->pw_gid};
  }
  return {};
}

// Workers ask for a niceness of their own, and hold keys in memory that is locked. Where root itself may not
// raise a limit (a container without CAP_SYS_RESOURCE) they do without.
void raise_limits() {
  constexpr rlimit kAnyNiceness{40, 40};
  constexpr rlimit kLockedOctets{64UL << 20, 64UL << 20};
  std::ignore = setrlimit(RLIMIT_NICE, &kAnyNiceness);
  std::ignore = setrlimit(RLIMIT_MEMLOCK, &kLockedOctets);
}

// All capabilities go with user 0, as nothing asks the kernel to keep them (capabilities(7)).
Result<void> become(const User& user) {
  if (setgroups(0, nullptr) != 0) return fail_errno(errno, "enter the sandbox: leave all groups");
  if (setresgid(user.gid, user.gid, user.gid) != 0)
    return fail_errno(errno, "enter the sandbox: change the group");
  if (setresuid(user.uid, user.uid, user.uid) != 0)
    return fail_errno(errno, "enter the sandbox: change the user");
  if (setuid(0) == 0) return fail(Error::Code::kSystem, "enter the sandbox: root could be had again");
  return {};
}

}  // namespace

Result<std::vector<std::string>> enter_sandbox() {
  const User user = sandbox_user();
  raise_limits();
  if (geteuid() == 0) TRY(become(user));
  // The change of user has forgotten both.
  forbid_core_dumps();
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
    return fail_errno(errno, "enter the sandbox: end with the monitor");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return fail_errno(errno, "enter the sandbox: no new privileges");
  std::vector<std::string> missing = TRY(restrict_files());
  TRY(restrict_system_calls());
  return missing;
}

}  // namespace isthmus::io
