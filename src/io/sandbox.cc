#include "io/sandbox.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <iterator>
#include <tuple>

#include "io/capabilities.h"
#include "io/core_dumps.h"
#include "io/landlock.h"
#include "io/sanitized.h"
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

// Workers ask for a niceness of their own. Where root itself may not raise the limit (a container without
// CAP_SYS_RESOURCE) they do without.
void permit_niceness() {
  constexpr rlimit kAnyNiceness{40, 40};
  std::ignore = setrlimit(RLIMIT_NICE, &kAnyNiceness);
}

Result<void> become(const User& user) {
  if (setgroups(0, nullptr) != 0) return fail_errno(errno, "enter the sandbox: leave all groups");
  if (setresgid(user.gid, user.gid, user.gid) != 0)
    return fail_errno(errno, "enter the sandbox: change the group");
  if (setresuid(user.uid, user.uid, user.uid) != 0)
    return fail_errno(errno, "enter the sandbox: change the user");
  return {};
}

}  // namespace

Result<std::vector<std::string>> enter_sandbox() {
  open_sanitizer_report();
  const User user = sandbox_user();
  permit_niceness();
  std::vector<std::string> missing;
  const Result<void> changed = geteuid() == 0 ? become(user) : Result<void>{};
  // A user namespace may know no other user than root.
  if (!changed && changed.error().os_errno != EINVAL) return std::unexpected(changed.error());
  if (!changed)
    missing.push_back(changed.error().message + ": the engine stays root's, without capabilities");
  // They go with user 0, as nothing asks the kernel to keep them (capabilities(7)); where that user cannot be
  // left, they go alone.
  TRY(keep_capabilities({}));
  clearenv();
  // The change of user has forgotten both.
  forbid_core_dumps();
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
    return fail_errno(errno, "enter the sandbox: end with the launcher");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return fail_errno(errno, "enter the sandbox: no new privileges");
  std::ranges::move(TRY(restrict_files()), std::back_inserter(missing));
  TRY(restrict_system_calls());
  return missing;
}

}  // namespace isthmus::io
