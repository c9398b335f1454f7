#include "io/fork_engine.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>

namespace isthmus::io {
namespace {

// They become the two behind the standard streams; all others are closed.
bool keep_only(std::array<int, 2>& kept) {
  constexpr int kOutOfTheWay = STDERR_FILENO + 3;
  for (int& fd : kept) fd = fcntl(fd, F_DUPFD_CLOEXEC, kOutOfTheWay);
  for (int i = 0; i < 2; ++i) {
    const int place = STDERR_FILENO + 1 + i;
    if (dup2(kept[static_cast<std::size_t>(i)], place) < 0) return false;
    kept[static_cast<std::size_t>(i)] = place;
  }
  return close_range(STDERR_FILENO + 3, ~0U, 0) == 0;
}

// An end by the terminal is the monitor's to hear of; a write to who is gone is an error, no end.
void be_deaf_to_terminal() {
  setsid();
  struct sigaction ignored{};
  ignored.sa_handler = SIG_IGN;
  for (const int number : {SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGPIPE, SIGTSTP})
    sigaction(number, &ignored, nullptr);
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

[[noreturn]] void become_engine(const std::function<int(EngineChannels)>& engine,
                                ControlConnection::Pair requests, ControlConnection::Pair events,
                                pid_t monitor) {
  prctl(PR_SET_NAME, "isthmus-engine");
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::array<int, 2> kept{requests.theirs.fd(), events.theirs.fd()};
  let_write_alone();
  // The C library would go on believing in a connection to the system's log.
  closelog();
  // A monitor that died before it could be seen to.
  if (getppid() != monitor) _exit(127);
  if (!keep_only(kept)) {
    std::perror("isthmus: start the engine: keep its descriptors");
    _exit(127);
  }
  const int status = engine({ControlConnection{UniqueFd{kept[0]}}, ControlConnection{UniqueFd{kept[1]}}});
  std::fflush(nullptr);
  // Destructors of what was the monitor's are not ours to run.
  _exit(status);
}

}  // namespace

Result<EngineProcess> fork_engine(const std::function<int(EngineChannels)>& engine) {
  ControlConnection::Pair requests = TRY(ControlConnection::make_pair());
  ControlConnection::Pair events = TRY(ControlConnection::make_pair());
  const pid_t monitor = getpid();
  std::fflush(nullptr);
  // Handlers of ours must not run in the child.
  sigset_t all;
  sigset_t former;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &former);
  const pid_t pid = fork();
  const int fork_errno = errno;
  if (pid == 0) be_deaf_to_terminal();
  sigprocmask(SIG_SETMASK, &former, nullptr);
  if (pid < 0) return fail_errno(fork_errno, "start the engine: fork");
  if (pid == 0) become_engine(engine, std::move(requests), std::move(events), monitor);
  return EngineProcess{TRY(ChildProcess::adopt(pid)), std::move(requests.ours), std::move(events.ours)};
}

}  // namespace isthmus::io
