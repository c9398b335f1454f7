#include "io/login_context.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "io/ancestor_environment.h"

namespace isthmus::io {
namespace {

constexpr const char* kKey =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINJ26q2ulBYxVZvk3K54o3YNhqoaetI4qdroMvagG/Cq";

TEST(SshConnection, IsTwoEndpoints) {
  const SshConnection connection = parse_ssh_connection("192.0.2.7 51234 2001:db8::1 22").value();
  EXPECT_EQ(connection.client.to_string(), "192.0.2.7:51234");
  EXPECT_EQ(connection.server.to_string(), "[2001:db8::1]:22");
  EXPECT_EQ(parse_ssh_connection("fe80::1%eth0 1 fe80::2%eth0 22")->client.to_string(), "[fe80::1]:1");
}

TEST(SshConnection, RefusesAnythingElse) {
  for (const char* text : {"", "192.0.2.7", "192.0.2.7 1 192.0.2.1", "a 1 b 2", "192.0.2.7 x 192.0.2.1 22",
                           "192.0.2.7 99999 192.0.2.1 22", "192.0.2.7 1 192.0.2.1 22 more"})
    EXPECT_FALSE(parse_ssh_connection(text)) << text;
}

TEST(AuthInfo, HoldsThePublicKey) {
  EXPECT_EQ(public_key_in_auth_info("password\npublickey " + std::string{kKey} + "\n"), kKey);
}

TEST(AuthInfo, HoldsNoKeyThatIsNone) {
  for (const char* text :
       {"", "password\n", "publickey", "publickey ssh-ed25519", "publickey a\x1b b", "publickey a b\tc"})
    EXPECT_FALSE(public_key_in_auth_info(text)) << text;
}

class LoginContextTest : public testing::Test {
 protected:
  void SetUp() override { clear(); }
  void TearDown() override {
    clear();
    unlink(auth_info_.c_str());
  }
  static void clear() {
    for (const char* name : {"SSH_CONNECTION", "SSH_USER_AUTH", "SSH_ORIGINAL_COMMAND", "SUDO_USER"})
      unsetenv(name);
  }

  std::string auth_info_ = testing::TempDir() + "/sshauth_" + std::to_string(getpid());
};

TEST_F(LoginContextTest, TellsWhoCameFromWhereWithWhichKey) {
  std::ofstream{auth_info_} << "publickey " << kKey << "\n";
  setenv("SSH_CONNECTION", "192.0.2.7 51234 192.0.2.1 22", 1);
  setenv("SSH_USER_AUTH", auth_info_.c_str(), 1);
  setenv("SSH_ORIGINAL_COMMAND", "isthmus attach --peer evil", 1);
  const LoginContext context = read_login_context();
  EXPECT_EQ(context.uid, getuid());
  EXPECT_FALSE(context.is_claimed);
  EXPECT_EQ(context.original_command, "isthmus attach --peer evil");
  EXPECT_EQ(context.describe(), context.user +
                                    " from 192.0.2.7:51234 with key ssh-ed25519 "
                                    "SHA256:303LTl+PCDWxJcssh2lmih+lYG56r2uNURuebjuh2gE");
}

TEST_F(LoginContextTest, FollowsNoLinkToTheKey) {
  const std::string target = auth_info_ + ".target";
  std::ofstream{target} << "publickey " << kKey << "\n";
  ASSERT_EQ(symlink(target.c_str(), auth_info_.c_str()), 0);
  setenv("SSH_USER_AUTH", auth_info_.c_str(), 1);
  EXPECT_FALSE(read_login_context().key);
  unlink(target.c_str());
}

TEST_F(LoginContextTest, IsOnlyTheUserWithoutSsh) {
  const LoginContext context = read_login_context();
  EXPECT_EQ(context.describe(), context.user);
}

TEST(AncestorEnvironment, IsReadFromParentToParent) {
  EXPECT_EQ(parent_of(getpid()), getppid());
  EXPECT_FALSE(parent_of(-5));
  // The first variable we were started with is found by a child of ours.
  std::ifstream own{"/proc/self/environ"};
  std::string first;
  if (!std::getline(own, first, '\0')) GTEST_SKIP() << "started without an environment";
  const std::size_t equals = first.find('=');
  const pid_t child = fork();
  if (child == 0) _exit(ancestor_variable(first.substr(0, equals)) == first.substr(equals + 1) ? 0 : 1);
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_FALSE(ancestor_variable("ISTHMUS_NO_SUCH_VARIABLE"));
}

}  // namespace
}  // namespace isthmus::io
