#include "io/daemonize.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace isthmus::io {
namespace {

using namespace std::chrono_literals;

// Runs `session` in the detached child of a process of our own; returns what that process, which stands for
// the command a user typed, exits with.
template <typename Session>
int exit_code_of_command(Session session) {
  const pid_t command = fork();
  if (command == 0) {
    auto detached = detach_session();
    if (!detached) _exit(99);
    if (const auto* verdict = std::get_if<ParentVerdict>(&*detached)) _exit(verdict->exit_code);
    session(std::get<DetachedSession>(*detached));
    _exit(98);
  }
  int status = 0;
  waitpid(command, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::array<UniqueFd, 2> make_pipe() {
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

TEST(DetachSession, EndsTheCommandWithTheSessionsExitCode) {
  EXPECT_EQ(exit_code_of_command([](DetachedSession&) { _exit(23); }), 23);
}

TEST(DetachSession, EndsTheCommandAsASignalWould) {
  EXPECT_EQ(exit_code_of_command([](DetachedSession&) { raise(SIGKILL); }), 128 + SIGKILL);
}

TEST(DetachSession, LeavesTheTerminalOnceProven) {
  const std::array<UniqueFd, 2> pipe = make_pipe();
  const int code = exit_code_of_command([&](DetachedSession& session) {
    if (!session.proven()) _exit(97);
    std::array<char, 64> directory{};
    struct {
      bool leads_session, is_at_root, has_null_input;
    } found{getsid(0) == getpid(), getcwd(directory.data(), directory.size()) == std::string{"/"}, false};
    char octet = 0;
    found.has_null_input = read(STDIN_FILENO, &octet, 1) == 0;
    const bool is_free = found.leads_session && found.is_at_root && found.has_null_input;
    _exit(is_free && write(pipe[1].get(), "y", 1) == 1 ? 0 : 98);
  });
  EXPECT_EQ(code, 0);
  pollfd polled{pipe[0].get(), POLLIN, 0};
  EXPECT_EQ(poll(&polled, 1, 2000), 1);
}

TEST(DetachSession, PassesATerminationOnToTheSession) {
  const int code = exit_code_of_command([](DetachedSession&) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    kill(getppid(), SIGTERM);
    const timespec limit{2, 0};
    _exit(sigtimedwait(&set, nullptr, &limit) == SIGTERM ? 42 : 43);
  });
  EXPECT_EQ(code, 42);
}

TEST(SessionOwner, IsReachedByItsChannelAndEndsWithIt) {
  // The channel does not wait: until something is there, cat finds nothing and fails.
  const std::string script = "until cat >&0; do sleep 0.01; done";
  ControlConnection channel = start_session_owner({"-c", script}, "/bin/sh").value();
  ASSERT_TRUE(channel.send("stream"));
  EXPECT_EQ(channel.receive_within(2s)->payload, "stream");
}

TEST(SessionOwner, LeadsASessionOfItsOwnInTheRoot) {
  const std::string script = "echo $(cut -d' ' -f6 /proc/$$/stat) $$ $(pwd) >&0";
  ControlConnection channel = start_session_owner({"-c", script}, "/bin/sh").value();
  const std::string text = channel.receive_within(2s)->payload;
  const std::string session = text.substr(0, text.find(' '));
  EXPECT_EQ(text, session + " " + session + " /\n");
}

TEST(SessionOwner, TakesItsChannelFromItsStandardInput) {
  ControlConnection::Pair pair = ControlConnection::make_pair().value();
  const pid_t owner = fork();
  if (owner == 0) {
    dup2(pair.theirs.fd(), STDIN_FILENO);
    Result<ControlConnection> channel = take_owner_channel();
    char octet = 0;
    const bool has_null_input = read(STDIN_FILENO, &octet, 1) == 0;
    _exit(channel && has_null_input && channel->send("here") ? 0 : 1);
  }
  EXPECT_EQ(pair.ours.receive_within(2s)->payload, "here");
  int status = 0;
  waitpid(owner, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace isthmus::io
