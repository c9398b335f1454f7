#include "io/login_origin.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <tuple>

#include "io/unique_fd.h"

namespace isthmus::io {
namespace {

constexpr uid_t kSlave = 39107;

// This process plays sshd: it holds a connection, and what it starts asks where its login came from.
class LoginOriginTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "only root may look at its ancestors' connections";
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(bind(listener_.get(), generic, size), 0);
    ASSERT_EQ(listen(listener_.get(), 4), 0);
    ASSERT_EQ(getsockname(listener_.get(), generic, &size), 0);
    ASSERT_EQ(connect(client_.get(), generic, size), 0);
    far_ = {IpAddress::v4(INADDR_LOOPBACK), ntohs(address.sin_port)};
  }

  // Whether the claim holds in a process two below this one; `between` runs in the one between them first.
  static bool holds_below(const std::function<void()>& between, const std::function<bool()>& claim) {
    const pid_t child = fork();
    if (child != 0) {
      int status = -1;
      waitpid(child, &status, 0);
      return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    std::array<int, 2> gate{};
    if (pipe(gate.data()) != 0) _exit(2);
    const pid_t grandchild = fork();
    char octet = 0;
    if (grandchild == 0) _exit(read(gate[0], &octet, 1) == 1 && claim() ? 0 : 1);
    between();
    int status = -1;
    if (write(gate[1], &octet, 1) == 1) waitpid(grandchild, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 3);
  }

  UniqueFd listener_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  UniqueFd client_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  Endpoint far_;
};

TEST_F(LoginOriginTest, IsRootsWhereNobodyElseIsBetween) {
  EXPECT_TRUE(holds_below([] {},
                          [&] {
                            const LoginOrigin origin = read_login_origin(far_);
                            return origin.connection->remote == far_ && !origin.above && origin.is_root_login;
                          }));
}

TEST_F(LoginOriginTest, IsNotRootsWhereAUserBecameRoot) {
  EXPECT_TRUE(holds_below([] { std::ignore = setresuid(kSlave, kSlave, kSlave); },
                          [&] {
                            const LoginOrigin origin = read_login_origin(far_);
                            return origin.connection && origin.above == kSlave && !origin.is_root_login;
                          }));
}

TEST_F(LoginOriginTest, IsNotRootsUnderASetUidProgram) {
  EXPECT_TRUE(holds_below(
      [] {},
      [&] { return setresgid(kSlave, kSlave, kSlave) == 0 && !read_login_origin(far_).is_root_login; }));
}

TEST_F(LoginOriginTest, IsNoConnectionThatIsOnlyClaimed) {
  const Endpoint elsewhere{IpAddress::v4(0xcb007142), 22};
  EXPECT_TRUE(holds_below([] {},
                          [&] {
                            const LoginOrigin origin = read_login_origin(elsewhere);
                            return !origin.connection && !origin.is_root_login;
                          }));
  EXPECT_TRUE(holds_below([] {}, [] { return !read_login_origin(std::nullopt).is_root_login; }));
}

// sudo's standard input may be any socket of its caller's.
TEST_F(LoginOriginTest, IsNoConnectionThatAUserMade) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(getsockname(listener_.get(), generic, &size), 0);
  ASSERT_EQ(seteuid(kSlave), 0);
  client_ = UniqueFd{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  ASSERT_EQ(seteuid(0), 0);
  ASSERT_EQ(connect(client_.get(), generic, size), 0);
  EXPECT_EQ(tcp_connections(getpid())->front().maker, kSlave);
  EXPECT_TRUE(holds_below([] {}, [&] { return !read_login_origin(far_).connection; }));
}

}  // namespace
}  // namespace isthmus::io
