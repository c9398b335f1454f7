// Landlock by itself: behind seccomp, which refuses first, nobody would notice that it is missing.
#include "io/landlock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

namespace isthmus::io {
namespace {

// errno of what a child without a right to any file does, 0 where it succeeds.
int without_rights(const std::function<long()>& what) {
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr int kNotRestricted = 200;
    const bool is_restricted = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && restrict_files();
    if (!is_restricted) ::_exit(kNotRestricted);
    ::_exit(what() < 0 ? errno : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class LandlockTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1) GTEST_SKIP() << "this kernel has no Landlock";
  }
};

TEST_F(LandlockTest, OpensNoFile) {
  EXPECT_EQ(without_rights([] { return ::open("/etc/passwd", O_RDONLY); }), EACCES);
}

TEST_F(LandlockTest, MakesAndRemovesNoFile) {
  EXPECT_EQ(without_rights([] { return ::open("/tmp/isthmus-landlock", O_CREAT | O_WRONLY, 0600); }), EACCES);
  EXPECT_EQ(without_rights([] { return ::mkdir("/tmp/isthmus-landlock", 0700); }), EACCES);
}

}  // namespace
}  // namespace isthmus::io
