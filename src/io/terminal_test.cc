#include "io/terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace isthmus::io {
namespace {

std::string read_after_wait(int fd) {
  pollfd polled{fd, POLLIN, 0};
  std::string text(4096, '\0');
  if (poll(&polled, 1, 2000) != 1) return "nothing";
  const ssize_t count = read(fd, text.data(), text.size());
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return text;
}

termios settings_of(int fd) {
  termios settings{};
  EXPECT_EQ(tcgetattr(fd, &settings), 0);
  return settings;
}

TEST(Terminal, PassesEveryOctetWhenRaw) {
  const PtyPair pty = open_pty().value();
  const RawTerminal terminal = RawTerminal::open(pty.slave_path, {}).value();
  std::string all;
  for (int octet = 0; octet < 256; ++octet) all.push_back(static_cast<char>(octet));

  ASSERT_EQ(write(pty.master.get(), all.data(), all.size()), 256);
  EXPECT_EQ(read_after_wait(terminal.fd()), all);
  ASSERT_EQ(write(terminal.fd(), all.data(), all.size()), 256);
  EXPECT_EQ(read_after_wait(pty.master.get()), all);
}

TEST(Terminal, GetsItsFormerSettingsBack) {
  const PtyPair pty = open_pty().value();
  termios former = settings_of(pty.slave.get());
  former.c_lflag |= ECHO | ICANON;
  ASSERT_EQ(tcsetattr(pty.slave.get(), TCSANOW, &former), 0);
  {
    const RawTerminal terminal =
        RawTerminal::adopt(UniqueFd{fcntl(pty.slave.get(), F_DUPFD_CLOEXEC, 0)}, {}).value();
    EXPECT_EQ(settings_of(pty.slave.get()).c_lflag & static_cast<tcflag_t>(ECHO | ICANON), 0U);
    EXPECT_NE(fcntl(pty.slave.get(), F_GETFL) & O_NONBLOCK, 0);
  }
  EXPECT_EQ(settings_of(pty.slave.get()).c_lflag, former.c_lflag);
  EXPECT_EQ(fcntl(pty.slave.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST(Terminal, TakesSpeedAndFlowControl) {
  const PtyPair pty = open_pty().value();
  const TerminalOptions options{.speed = 115200,
                                .flow_control = TerminalOptions::FlowControl::kHardware,
                                .modem_lines = TerminalOptions::ModemLines::kHeeded};
  const RawTerminal terminal = RawTerminal::open(pty.slave_path, options).value();
  const termios settings = settings_of(terminal.fd());
  EXPECT_EQ(cfgetospeed(&settings), static_cast<speed_t>(B115200));
  EXPECT_NE(settings.c_cflag & CRTSCTS, 0U);
  EXPECT_EQ(settings.c_cflag & CLOCAL, 0U);
}

TEST(Terminal, RefusesASpeedThatDoesNotExist) {
  const PtyPair pty = open_pty().value();
  EXPECT_EQ(RawTerminal::open(pty.slave_path, {.speed = 12345}).error().code, Error::Code::kUnsupported);
}

TEST(Terminal, IsNoOrdinaryFile) {
  EXPECT_EQ(RawTerminal::open("/dev/null", {}).error().code, Error::Code::kInvalid);
  EXPECT_FALSE(is_terminal(-1));
}

class TerminalLockTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/lock_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string directory_;
};

TEST_F(TerminalLockTest, IsHeldOnceAndLeavesNothing) {
  {
    const TerminalLock lock = TerminalLock::acquire("/dev/null", directory_).value();
    EXPECT_TRUE(std::filesystem::exists(directory_ + "/LCK..null"));
    const Result<TerminalLock> second = TerminalLock::acquire("/dev/null", directory_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Error::Code::kExists);
    EXPECT_NE(second.error().message.find(std::to_string(getpid())), std::string::npos);
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

TEST_F(TerminalLockTest, OfADeadProcessIsReplaced) {
  const pid_t dead = fork();
  if (dead == 0) _exit(0);
  waitpid(dead, nullptr, 0);
  std::ofstream{directory_ + "/LCK..null"} << dead << "\n";
  EXPECT_TRUE(TerminalLock::acquire("/dev/null", directory_));
}

}  // namespace
}  // namespace isthmus::io
