#include "io/child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>

#include <csignal>

namespace isthmus::io {
namespace {

bool is_readable_within_two_seconds(int fd) {
  pollfd poll_fd{fd, POLLIN, 0};
  return poll(&poll_fd, 1, 2000) == 1;
}

ExitStatus end_of(ChildProcess& child) {
  EXPECT_TRUE(is_readable_within_two_seconds(child.pidfd()));
  return child.try_wait().value_or(ExitStatus{ExitStatus::Kind::kExited, -1});
}

std::string all_of(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t count = read(fd, buffer, sizeof buffer); count > 0; count = read(fd, buffer, sizeof buffer))
    text.append(buffer, static_cast<std::size_t>(count));
  return text;
}

SpawnOptions with_output(std::vector<std::string> argv) {
  SpawnOptions options;
  options.argv = std::move(argv);
  options.standard_output.kind = ChildStream::Kind::kPipe;
  return options;
}

std::string output_of(const SpawnOptions& options) {
  Result<ChildProcess> child = ChildProcess::start(options);
  if (!child) return child.error().message;
  std::string text = all_of(child->output());
  end_of(*child);
  return text;
}

TEST(ChildProcess, TellsTheExitCode) {
  SpawnOptions options;
  options.argv = {"sh", "-c", "exit 7"};
  ChildProcess child = ChildProcess::start(options).value();
  EXPECT_EQ(end_of(child), (ExitStatus{ExitStatus::Kind::kExited, 7}));
  EXPECT_EQ(child.try_wait()->to_string(), "exit code 7");
}

TEST(ChildProcess, TellsTheSignalThatEndedIt) {
  SpawnOptions options;
  options.argv = {"sleep", "60"};
  ChildProcess child = ChildProcess::start(options).value();
  EXPECT_FALSE(child.try_wait());
  child.terminate();
  EXPECT_EQ(end_of(child).to_string(), "killed by signal 15 (Terminated)");
}

TEST(ChildProcess, NamesAProgramThatDoesNotExist) {
  for (const char* name : {"/no/such/program", "no-such-program"}) {
    SpawnOptions options;
    options.argv = {name};
    const Result<ChildProcess> child = ChildProcess::start(options);
    ASSERT_FALSE(child);
    EXPECT_EQ(child.error().code, Error::Code::kNotFound);
    EXPECT_NE(child.error().message.find(name), std::string::npos) << child.error().message;
  }
}

TEST(ChildProcess, ReportsAFileThatIsNoProgram) {
  SpawnOptions options;
  options.argv = {"/etc/passwd"};
  const Result<ChildProcess> child = ChildProcess::start(options);
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().os_errno, EACCES);
}

TEST(ChildProcess, JoinsBothPipes) {
  SpawnOptions options = with_output({"cat"});
  options.standard_input.kind = ChildStream::Kind::kPipe;
  options.pipe_size = 1 << 18;
  ChildProcess child = ChildProcess::start(options).value();
  EXPECT_EQ(fcntl(child.input(), F_GETPIPE_SZ), 1 << 18);
  ASSERT_EQ(write(child.input(), "frame", 5), 5);
  child.take_input().reset();
  EXPECT_EQ(all_of(child.output()), "frame");
  EXPECT_TRUE(end_of(child).is_success());
}

TEST(ChildProcess, GivesDescriptorsThatAreEachOthersNumbers) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  UniqueFd reader{ends[0]};
  UniqueFd writer{ends[1]};
  SpawnOptions options;
  options.argv = {"sh", "-c", "echo out; echo error >&2"};
  options.standard_output = {ChildStream::Kind::kGiven, writer.get()};
  options.standard_error = {ChildStream::Kind::kGiven, writer.get()};
  ChildProcess child = ChildProcess::start(options).value();
  writer.reset();
  EXPECT_EQ(all_of(reader.get()), "out\nerror\n");
}

TEST(ChildProcess, ClosesEveryOtherDescriptor) {
  const UniqueFd inherited{open("/dev/null", O_RDONLY)};  // not close-on-exec
  SpawnOptions options = with_output({"sh", "-c", "ls /proc/$$/fd"});
  EXPECT_EQ(output_of(options), "0\n1\n2\n");
}

TEST(ChildProcess, ChangesTheEnvironment) {
  SpawnOptions options = with_output({"/usr/bin/env"});
  options.environment = {"PATH=/usr/bin", "HOME=/", "SECRET=x"};
  options.environment_changes = {{"HOME", "/home/ada"}, {"SECRET", std::nullopt}};
  EXPECT_EQ(output_of(options), "PATH=/usr/bin\nHOME=/home/ada\n");
}

TEST(ChildProcess, NeverRunsAProgramFromTheWorkingDirectory) {
  SpawnOptions options = with_output({"env"});
  options.environment = {"PATH=:.:relative"};
  options.working_directory = "/usr/bin";
  EXPECT_EQ(output_of(options), "start env: no such program in the PATH");
}

// The first 31 signals: 32 and 33 are the C library's own, which lets nobody change them, and whoever started
// the tests may have left them ignored.
std::uint64_t ignored_signals(const SpawnOptions& options) {
  const std::string line = output_of(options);
  return std::stoull(line.substr(line.find('\t') + 1), nullptr, 16) & 0x7fffffffU;
}

TEST(ChildProcess, IgnoresTheTerminalsSignalsIfAsked) {
  SpawnOptions options = with_output({"grep", "SigIgn", "/proc/self/status"});
  EXPECT_EQ(ignored_signals(options), 0U);
  options.terminal_signals = SpawnOptions::TerminalSignals::kIgnored;
  EXPECT_EQ(ignored_signals(options), 7U);  // SIGHUP, SIGINT, SIGQUIT
}

TEST(ChildProcess, LeavesTheTerminalIfAsked) {
  SpawnOptions options = with_output({"sh", "-c", "cut -d' ' -f6 /proc/$$/stat; echo $$"});
  options.placement = SpawnOptions::Placement::kNewSession;
  const std::string text = output_of(options);
  const std::string session = text.substr(0, text.find('\n') + 1);
  EXPECT_EQ(text, session + session);
}

TEST(ChildProcess, BecomesAnotherUserWithItsGroups) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may become another user";
  SpawnOptions options = with_output({"id"});
  options.environment = {"PATH=/usr/bin:/bin"};
  options.become = Credentials{65534, 65534, {65534, 4242}};
  EXPECT_EQ(output_of(options).find("uid=65534(nobody) gid=65534(nogroup) groups=65534(nogroup),4242"), 0U);
}

TEST(ChildProcess, IsEndedWhenItsOwnerGoes) {
  SpawnOptions options;
  options.argv = {"sleep", "60"};
  pid_t pid = 0;
  {
    const ChildProcess child = ChildProcess::start(options).value();
    pid = child.pid();
  }
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

// The middle process starts a sleep that holds our pipe, and dies by SIGKILL: the pipe's end shows the
// sleep's end.
TEST(ChildProcess, DiesWithTheProcessThatStartedIt) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reader{ends[0]};
  UniqueFd writer{ends[1]};
  const pid_t middle = fork();
  if (middle == 0) {
    SpawnOptions options;
    options.argv = {"sleep", "60"};
    options.standard_output = {ChildStream::Kind::kGiven, writer.get()};
    const Result<ChildProcess> child = ChildProcess::start(options);
    raise(child ? SIGKILL : SIGABRT);
  }
  writer.reset();
  int status = 0;
  ASSERT_EQ(waitpid(middle, &status, 0), middle);
  ASSERT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_TRUE(is_readable_within_two_seconds(reader.get()));
}

}  // namespace
}  // namespace isthmus::io
