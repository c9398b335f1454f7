#include "io/control_socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <vector>

#include "io/send_descriptors.h"

namespace isthmus::io {
namespace {

using namespace std::chrono_literals;

class ControlSocket : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/control_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::string path() const { return directory_ + "/site.sock"; }

  std::string directory_;
};

Result<ControlConnection> accepted(ControlListener& listener) {
  std::optional<ControlConnection> connection = TRY(listener.accept());
  if (!connection) return fail(Error::Code::kNotFound, "nobody waits");
  return std::move(*connection);
}

TEST_F(ControlSocket, CarriesMessagesWhole) {
  ControlListener listener = ControlListener::listen(path()).value();
  ControlConnection client = ControlConnection::connect(path()).value();
  ControlConnection server = accepted(listener).value();
  ASSERT_TRUE(client.send("status"));
  ASSERT_TRUE(client.send(std::string(kMaxControlPayload, 'x')));
  EXPECT_EQ(server.receive_within(1s)->payload, "status");
  EXPECT_EQ(server.receive_within(1s)->payload.size(), kMaxControlPayload);
  EXPECT_FALSE(server.receive().value());
}

TEST_F(ControlSocket, CarriesDescriptorsThatCloseOnExec) {
  ControlConnection::Pair pair = ControlConnection::make_pair().value();
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reader{ends[0]};
  UniqueFd writer{ends[1]};
  const int fds[] = {writer.get()};
  ASSERT_TRUE(pair.ours.send("stream", fds));
  writer.reset();

  ControlMessage message = pair.theirs.receive_within(1s).value();
  ASSERT_EQ(message.fds.size(), 1U);
  EXPECT_EQ(fcntl(message.fds[0].get(), F_GETFD), FD_CLOEXEC);
  ASSERT_EQ(write(message.fds[0].get(), "x", 1), 1);
  char octet = 0;
  EXPECT_EQ(read(reader.get(), &octet, 1), 1);
}

std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, {});
}

TEST_F(ControlSocket, ClosesSurplusDescriptors) {
  ControlConnection::Pair pair = ControlConnection::make_pair().value();
  for (const std::size_t count : {kMaxControlFds + 1, kMaxControlFds + 2, std::size_t{64}}) {
    const std::ptrdiff_t before = open_descriptors();
    ASSERT_EQ(send_descriptors(pair.ours.fd(), "x", std::vector<int>(count, STDIN_FILENO)), 1);
    const auto message = pair.theirs.receive();
    ASSERT_FALSE(message);
    EXPECT_EQ(message.error().code, Error::Code::kProtocol);
    EXPECT_EQ(open_descriptors(), before);
  }
}

TEST_F(ControlSocket, RefusesWhatIsTooLarge) {
  ControlConnection::Pair pair = ControlConnection::make_pair().value();
  EXPECT_FALSE(pair.ours.send(std::string(kMaxControlPayload + 1, 'x')));
  EXPECT_FALSE(pair.ours.send(""));
  ASSERT_GT(send(pair.ours.fd(), std::string(kMaxControlPayload + 1, 'x').data(), kMaxControlPayload + 1, 0),
            0);
  EXPECT_EQ(pair.theirs.receive().error().code, Error::Code::kProtocol);
}

TEST_F(ControlSocket, TellsThatTheOtherEndIsGone) {
  ControlConnection::Pair pair = ControlConnection::make_pair().value();
  pair.theirs.take_fd().reset();
  EXPECT_EQ(pair.ours.receive().error().code, Error::Code::kClosed);
  EXPECT_EQ(pair.ours.send("x").error().code, Error::Code::kClosed);
}

TEST_F(ControlSocket, NeverWaitsForASlowReader) {
  ControlConnection::Pair pair = ControlConnection::make_pair().value();
  Result<void> sent;
  for (int i = 0; i < 100 && sent; ++i) sent = pair.ours.send(std::string(kMaxControlPayload, 'x'));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Error::Code::kTimeout);
}

TEST_F(ControlSocket, TellsNobodyFromNobodyAnyMore) {
  EXPECT_EQ(ControlConnection::connect(path()).error().code, Error::Code::kNotFound);
  const UniqueFd dead{socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path().c_str());
  ASSERT_EQ(bind(dead.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(ControlConnection::connect(path()).error().code, Error::Code::kClosed);

  ControlListener listener = ControlListener::listen(path()).value();  // replaces the stale file
  EXPECT_TRUE(ControlConnection::connect(path()));
  EXPECT_TRUE(accepted(listener));
}

TEST_F(ControlSocket, HasOneListenerAndLeavesNothing) {
  {
    const ControlListener first = ControlListener::listen(path()).value();
    const Result<ControlListener> second = ControlListener::listen(path());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Error::Code::kExists);
    EXPECT_TRUE(ControlConnection::connect(path()));
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

TEST_F(ControlSocket, IsItsOwnersAlone) {
  const mode_t former = umask(0);
  ControlListener listener = ControlListener::listen(path()).value();
  umask(former);
  struct stat status{};
  ASSERT_EQ(stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(ControlSocket, RefusesAnotherUserWhateverTheModeOfTheFile) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may become another user";
  ControlListener listener = ControlListener::listen(path()).value();
  ASSERT_EQ(chmod(directory_.c_str(), 0755), 0);
  ASSERT_EQ(chmod(path().c_str(), 0666), 0);
  const pid_t stranger = fork();
  if (stranger == 0) _exit(setuid(12345) == 0 && ControlConnection::connect(path()) ? 0 : 1);
  int status = -1;
  ASSERT_EQ(waitpid(stranger, &status, 0), stranger);
  ASSERT_EQ(status, 0) << "the stranger did not come through to us";
  const Result<ControlConnection> connection = accepted(listener);
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().code, Error::Code::kRefused);
}

TEST_F(ControlSocket, KnowsItsPeer) {
  ControlListener listener = ControlListener::listen(path()).value();
  const ControlConnection client = ControlConnection::connect(path()).value();
  const ControlConnection server = accepted(listener).value();
  EXPECT_EQ(server.peer()->pid, getpid());
  EXPECT_EQ(server.peer()->uid, geteuid());
}

}  // namespace
}  // namespace isthmus::io
