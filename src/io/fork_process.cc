#include "io/fork_process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <initializer_list>
#include <new>
#include <span>
#include <string>

namespace isthmus::io {
namespace {

// They become those behind the standard streams; all others are closed.
bool keep_only(std::span<int> kept) {
  const int first = STDERR_FILENO + 1;
  const int behind = first + static_cast<int>(kept.size());
  for (int& fd : kept) fd = fcntl(fd, F_DUPFD_CLOEXEC, behind);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const int place = first + static_cast<int>(i);
    if (dup3(kept[i], place, O_CLOEXEC) < 0) return false;
    kept[i] = place;
  }
  return close_range(static_cast<unsigned>(behind), ~0U, 0) == 0;
}

void ignore_signals(std::initializer_list<int> signals) {
  struct sigaction ignored{};
  ignored.sa_handler = SIG_IGN;
  for (const int number : signals) sigaction(number, &ignored, nullptr);
}

// An end by the terminal is the monitor's to hear of; a write to who is gone is an error, no end.
void be_deaf_to_terminal() {
  setsid();
  ignore_signals({SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGPIPE, SIGTSTP});
}

// ctrl-Z stops it as it stops the monitor, which would wait for it.
void be_deaf_to_ends() {
  ignore_signals({SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGPIPE});
}

// Of a terminal only what is written is the engine's: another descriptor of it, which cannot be read.
void let_write_alone() {
  const UniqueFd null{open("/dev/null", O_RDWR | O_CLOEXEC)};
  dup2(null.get(), STDIN_FILENO);
  for (const int number : {STDOUT_FILENO, STDERR_FILENO}) {
    if (isatty(number) == 0) continue;
    const std::string path = "/proc/self/fd/" + std::to_string(number);
    const UniqueFd writable{open(path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC)};
    dup2(writable.is_open() ? writable.get() : null.get(), number);
  }
}

// The child's own: ends with `parent`, keeps the channels alone, and is called `name`.
void stand_apart(const char* name, pid_t parent, std::span<int> channels) {
  constexpr int kNotStarted = 127;
  prctl(PR_SET_NAME, name);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The C library would go on believing in a connection to the system's log.
  closelog();
  // A parent that died before it could be seen to.
  if (getppid() != parent) _exit(kNotStarted);
  if (keep_only(channels)) return;
  std::perror("isthmus: start a process: keep its descriptors");
  _exit(kNotStarted);
}

// Destructors of what was the parent's are not ours to run, which is also where an exception of a library's
// (memory that is used up) would lead to.
[[noreturn]] void end_with(const std::function<int()>& what) noexcept {
  try {
    const int status = what();
    std::fflush(nullptr);
    _exit(status);
  } catch (const std::bad_alloc&) {
    std::fputs("isthmus: out of memory\n", stderr);
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "isthmus: %s\n", fault.what());
  }
  std::fflush(nullptr);
  std::abort();
}

// In the child, `deafen` comes before the first signal can: handlers of ours must not run there.
pid_t fork_deaf(void (*deafen)()) {
  std::fflush(nullptr);
  sigset_t all;
  sigset_t former;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &former);
  const pid_t pid = fork();
  const int fork_errno = errno;
  if (pid == 0) deafen();
  sigprocmask(SIG_SETMASK, &former, nullptr);
  errno = fork_errno;
  return pid;
}

}  // namespace

Result<EngineProcess> fork_engine(const std::function<int(EngineChannels)>& engine) {
  ControlConnection::Pair requests = TRY(ControlConnection::make_pair());
  ControlConnection::Pair events = TRY(ControlConnection::make_pair());
  const pid_t parent = getpid();
  const pid_t pid = fork_deaf(be_deaf_to_terminal);
  if (pid < 0) return fail_errno(errno, "start the engine: fork");
  if (pid == 0) {
    std::array<int, 2> kept{requests.theirs.fd(), events.theirs.fd()};
    let_write_alone();
    stand_apart("isthmus-engine", parent, kept);
    end_with(
        [&] { return engine({ControlConnection{UniqueFd{kept[0]}}, ControlConnection{UniqueFd{kept[1]}}}); });
  }
  return EngineProcess{TRY(ChildProcess::adopt(pid)), std::move(requests.ours), std::move(events.ours)};
}

Result<LauncherProcess> fork_launcher(const std::function<int(ControlConnection)>& launcher) {
  ControlConnection::Pair requests = TRY(ControlConnection::make_pair());
  const pid_t parent = getpid();
  const pid_t pid = fork_deaf(be_deaf_to_ends);
  if (pid < 0) return fail_errno(errno, "start the launcher: fork");
  if (pid == 0) {
    std::array<int, 1> kept{requests.theirs.fd()};
    stand_apart("isthmus-launch", parent, kept);
    end_with([&] { return launcher(ControlConnection{UniqueFd{kept[0]}}); });
  }
  return LauncherProcess{TRY(ChildProcess::adopt(pid)), std::move(requests.ours)};
}

}  // namespace isthmus::io
