#include "io/daemonize.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>

#include "io/child_process.h"

namespace isthmus::io {
namespace {

Result<void> streams_to_null() {
  UniqueFd null{open("/dev/null", O_RDWR | O_CLOEXEC)};
  if (!null.is_open()) return fail_errno(errno, "open /dev/null");
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (dup2(null.get(), fd) < 0) return fail_errno(errno, "let go of the standard streams");
  }
  // It became one of the three itself if that one was closed.
  if (null.get() <= STDERR_FILENO) static_cast<void>(null.release());
  return {};
}

sigset_t forwarded_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGHUP, SIGINT, SIGQUIT}) sigaddset(&set, number);
  return set;
}

// A ctrl-C reaches the child by itself; only what was sent to us alone is passed on.
void pass_on(int signal_fd, pid_t child) {
  signalfd_siginfo info{};
  if (read(signal_fd, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return;
  const auto number = static_cast<int>(info.ssi_signo);
  const bool from_terminal = info.ssi_code == SI_KERNEL;
  if (!from_terminal) kill(child, number);
}

int exit_code_of(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Until the child says that it is proven, or the pipe's end says that it has ended.
ParentVerdict wait_for(pid_t child, int verdict_fd, int signal_fd) {
  while (true) {
    std::array<pollfd, 2> polls{pollfd{verdict_fd, POLLIN, 0}, pollfd{signal_fd, POLLIN, 0}};
    if (poll(polls.data(), polls.size(), -1) < 0) continue;
    if (polls[1].revents != 0) pass_on(signal_fd, child);
    if (polls[0].revents == 0) continue;
    char word = 0;
    if (read(verdict_fd, &word, 1) == 1) return ParentVerdict{static_cast<unsigned char>(word)};
    return ParentVerdict{exit_code_of(child)};
  }
}

}  // namespace

Result<void> leave_terminal() {
  TRY(streams_to_null());
  if (setsid() < 0) return fail_errno(errno, "leave the terminal");
  if (chdir("/") != 0) return fail_errno(errno, "chdir /");
  return {};
}

Result<void> DetachedSession::proven(std::uint8_t exit_code) {
  // First: once the parent is gone, the terminal belongs to the shell again.
  TRY(leave_terminal());
  if (write(verdict_.get(), &exit_code, 1) != 1) return fail_errno(errno, "tell the waiting command");
  verdict_.reset();
  return {};
}

Result<std::variant<DetachedSession, ParentVerdict>> detach_session() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno(errno, "make a pipe");
  UniqueFd reader{ends[0]};
  UniqueFd writer{ends[1]};
  const sigset_t forwarded = forwarded_signals();
  sigset_t former;
  // Blocked before the fork, so that no signal falls between it and the signalfd.
  sigprocmask(SIG_BLOCK, &forwarded, &former);
  const pid_t child = fork();
  if (child == 0) {
    sigprocmask(SIG_SETMASK, &former, nullptr);
    return DetachedSession{std::move(writer)};
  }
  const int fork_errno = errno;
  const UniqueFd signals{signalfd(-1, &forwarded, SFD_CLOEXEC)};
  writer.reset();
  std::optional<ParentVerdict> verdict;
  if (child > 0) verdict = wait_for(child, reader.get(), signals.get());
  sigprocmask(SIG_SETMASK, &former, nullptr);
  if (!verdict) return fail_errno(fork_errno, "fork");
  return *verdict;
}

Result<ControlConnection> start_session_owner(const std::vector<std::string>& arguments,
                                              const std::string& program) {
  ControlConnection::Pair channel = TRY(ControlConnection::make_pair());
  SpawnOptions options;
  options.program = program;
  options.argv = {"isthmus"};
  options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
  options.standard_input = {ChildStream::Kind::kGiven, channel.theirs.fd()};
  options.standard_output.kind = options.standard_error.kind = ChildStream::Kind::kNull;
  options.working_directory = "/";
  options.placement = SpawnOptions::Placement::kNewSession;
  options.dies_with_us = false;
  ChildProcess owner = TRY(ChildProcess::start(options));
  owner.leave_running();
  return std::move(channel.ours);
}

Result<ControlConnection> take_owner_channel() {
  UniqueFd channel{fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)};
  if (!channel.is_open()) return fail_errno(errno, "take the channel to the caller");
  const UniqueFd null{open("/dev/null", O_RDONLY | O_CLOEXEC)};
  if (!null.is_open() || dup2(null.get(), STDIN_FILENO) < 0) return fail_errno(errno, "open /dev/null");
  return ControlConnection{std::move(channel)};
}

}  // namespace isthmus::io
