#include "io/invoking_user.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "io/unique_fd.h"

namespace isthmus::io {
namespace {

using testing::Contains;
using testing::Not;
using testing::StartsWith;

EnvironmentLookup variables(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
}

TEST(InvokingUser, IsWeOurselvesWithoutSudo) {
  const InvokingUser user = find_invoking_user(variables({})).value();
  EXPECT_EQ(user.credentials.uid, getuid());
  EXPECT_FALSE(user.is_behind_sudo);
  EXPECT_THAT(user.credentials.groups, Contains(user.credentials.gid));
}

TEST(InvokingUser, IsThePersonBehindSudo) {
  if (getuid() != 0) GTEST_SKIP() << "only root can have been called through sudo";
  const InvokingUser user =
      find_invoking_user(variables({{"SUDO_UID", "65534"}, {"SUDO_USER", "nobody"}})).value();
  EXPECT_EQ(user.name, "nobody");
  EXPECT_EQ(user.credentials.uid, 65534U);
  EXPECT_TRUE(user.is_behind_sudo);
}

TEST(InvokingUser, BelievesNoSudoThatPasswdContradicts) {
  for (const auto& [uid, name] : {std::pair{"65534", "root"}, std::pair{"4000000", "nobody"},
                                  std::pair{"-1", "nobody"}, std::pair{"65534x", "nobody"}}) {
    const InvokingUser user = find_invoking_user(variables({{"SUDO_UID", uid}, {"SUDO_USER", name}})).value();
    EXPECT_EQ(user.credentials.uid, getuid());
  }
}

TEST(InvokingUser, IsToldWhenPasswdDoesNotKnowIt) {
  EXPECT_EQ(find_user(4000000).error().code, Error::Code::kNotFound);
}

TEST(SshEnvironment, IsTheUsersAndNotOurs) {
  const InvokingUser user{"ada", "/home/ada", "/bin/zsh", {1000, 1000, {1000}}, true};
  const std::vector<std::string> environment =
      ssh_environment(user, variables({{"TERM", "xterm"}, {"LD_PRELOAD", "/evil.so"}, {"HOME", "/root"}}));
  EXPECT_THAT(environment, Contains("HOME=/home/ada"));
  EXPECT_THAT(environment, Contains("USER=ada"));
  EXPECT_THAT(environment, Contains("SHELL=/bin/sh"));
  EXPECT_THAT(environment, Contains("TERM=xterm"));
  EXPECT_THAT(environment, Not(Contains(StartsWith("LD_PRELOAD"))));
}

TEST(SshEnvironment, KeepsOnlyAnAgentThatBelongsToTheUser) {
  const std::string path = testing::TempDir() + "/agent_" + std::to_string(getpid());
  const UniqueFd agent{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path.c_str());
  ASSERT_EQ(bind(agent.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);

  InvokingUser user{"ada", "/home/ada", "/bin/sh", {getuid(), getgid(), {}}, true};
  const EnvironmentLookup lookup = variables({{"SSH_AUTH_SOCK", path}});
  EXPECT_THAT(ssh_environment(user, lookup), Contains("SSH_AUTH_SOCK=" + path));
  user.credentials.uid += 1;
  EXPECT_THAT(ssh_environment(user, lookup), Not(Contains("SSH_AUTH_SOCK=" + path)));
  unlink(path.c_str());
}

}  // namespace
}  // namespace isthmus::io
