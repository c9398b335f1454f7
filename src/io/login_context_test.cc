#include "io/login_context.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <utility>
#include <vector>

#include "io/ancestor_environment.h"

namespace isthmus::io {
namespace {

constexpr const char* kKey =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINJ26q2ulBYxVZvk3K54o3YNhqoaetI4qdroMvagG/Cq";

constexpr uid_t kStranger = 39108;

// Variables that are set for as long as it lives.
class Environment {
 public:
  explicit Environment(std::vector<std::pair<std::string, std::string>> variables)
      : variables_(std::move(variables)) {
    for (const auto& [name, value] : variables_) setenv(name.c_str(), value.c_str(), 1);
  }
  ~Environment() {
    for (const auto& [name, value] : variables_) unsetenv(name.c_str());
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  std::vector<std::pair<std::string, std::string>> variables_;
};

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

class AuthInfoFile : public testing::Test {
 protected:
  void TearDown() override { unlink(path_.c_str()); }

  std::string path_ = testing::TempDir() + "/sshauth_" + std::to_string(getpid());
};

TEST_F(AuthInfoFile, IsRead) {
  std::ofstream{path_} << "publickey " << kKey << "\n";
  EXPECT_EQ(read_auth_info(path_), "publickey " + std::string{kKey} + "\n");
}

TEST_F(AuthInfoFile, IsNoLink) {
  const std::string target = path_ + ".target";
  std::ofstream{target} << "publickey " << kKey << "\n";
  ASSERT_EQ(symlink(target.c_str(), path_.c_str()), 0);
  EXPECT_EQ(read_auth_info(path_), "");
  unlink(target.c_str());
}

TEST_F(AuthInfoFile, IsNobodyElses) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  std::ofstream{path_} << "publickey " << kKey << "\n";
  ASSERT_EQ(chown(path_.c_str(), kStranger, kStranger), 0);
  EXPECT_EQ(read_auth_info(path_), "");
}

bool is_asleep(pid_t pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/stat"};
  std::string stat;
  std::getline(file, stat);
  return stat.find(") S ") != std::string::npos;
}

// A device does something when it is opened; a pipe shows whether it was, by letting its writer go on.
TEST_F(AuthInfoFile, IsNotOpenedWhereItIsNoPlainFile) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  const pid_t writer = fork();
  if (writer == 0) _exit(open(path_.c_str(), O_WRONLY) < 0 ? 1 : 0);
  for (int i = 0; i < 1000000 && !is_asleep(writer); ++i) sched_yield();
  ASSERT_TRUE(is_asleep(writer));
  EXPECT_EQ(read_auth_info(path_), "");
  // Whoever reads lets the writer end of itself; otherwise our signal ends it.
  kill(writer, SIGKILL);
  int status = 0;
  waitpid(writer, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the pipe was opened";
}

LoginContext login_of_root() {
  LoginContext context;
  context.user = "root";
  const SshConnection ssh = parse_ssh_connection("192.0.2.7 51234 192.0.2.1 22").value();
  context.client = ssh.client;
  context.connection = TcpConnection{ssh.server, ssh.client, 0};
  return context;
}

TEST(LoginContext, TellsWhoCameFromWhereWithWhichKey) {
  LoginContext context = login_of_root();
  context.key = LoginKey{"ssh-ed25519", "SHA256:303L"};
  EXPECT_EQ(context.describe(), "root from 192.0.2.7:51234 with key ssh-ed25519 SHA256:303L");
  context.became_root = "slave";
  context.key.reset();
  EXPECT_EQ(context.describe(), "root (called by slave) from 192.0.2.7:51234");
}

TEST(LoginContext, TellsWhatIsOnlyClaimed) {
  LoginContext context = login_of_root();
  context.connection.reset();
  EXPECT_EQ(context.describe(), "root from 192.0.2.7:51234 (as the caller's environment says)");
}

TEST(LoginContext, BelievesNoVariable) {
  const Environment ssh{{{"SSH_CONNECTION", "192.0.2.7 51234 192.0.2.1 22"}, {"PKEXEC_UID", "nonsense"}}};
  const LoginContext context = read_login_context();
  EXPECT_TRUE(context.client);
  EXPECT_FALSE(context.connection);
  EXPECT_FALSE(context.is_root_login);
  EXPECT_FALSE(context.became_root.empty());
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
