#include "io/child_process.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>

#include <fmt/format.h>

#include "io/pidfd.h"

namespace isthmus::io {
namespace {

constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// What the child says through the close-on-exec pipe if it never became the program.
struct Failure {
  enum class Step : std::uint8_t { kStreams, kPlacement, kDescriptors, kCredentials, kDirectory, kExec };
  Step step = Step::kExec;
  int os_errno = 0;
};

const char* name_of(Failure::Step step) {
  switch (step) {
    case Failure::Step::kStreams:
      return "set its standard streams";
    case Failure::Step::kPlacement:
      return "give it its session";
    case Failure::Step::kDescriptors:
      return "close other descriptors";
    case Failure::Step::kCredentials:
      return "become its user";
    case Failure::Step::kDirectory:
      return "enter its directory";
    case Failure::Step::kExec:
      return "execute it";
  }
  return "start it";
}

// Everything the child needs, made before fork: between fork and execve nothing may allocate.
struct Prepared {
  std::string program;
  std::vector<std::string> environment;
  std::vector<char*> argv, envp;
  std::array<UniqueFd, 3> owned;           // the child's ends of pipes, and /dev/null
  std::array<int, 3> sources{-1, -1, -1};  // -1: inherit
  UniqueFd status_read, status_write;
};

std::string_view name_in(std::string_view assignment) {
  return assignment.substr(0, assignment.find('='));
}

std::vector<std::string> environment_for(const SpawnOptions& options) {
  std::vector<std::string> result;
  if (options.environment) {
    result = *options.environment;
  } else {
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) result.emplace_back(*entry);
  }
  std::erase_if(result, [&](const std::string& entry) {
    return options.environment_changes.contains(std::string{name_in(entry)});
  });
  for (const auto& [name, value] : options.environment_changes) {
    if (value) result.push_back(name + "=" + *value);
  }
  return result;
}

bool is_program(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 0111) != 0;
}

Result<std::string> resolve(const std::string& name, const std::vector<std::string>& environment) {
  if (name.find('/') != std::string::npos) return name;
  std::string_view path = kDefaultPath;
  for (const std::string& entry : environment) {
    if (name_in(entry) == "PATH") path = std::string_view{entry}.substr(5);
  }
  while (!path.empty()) {
    const std::string_view directory = path.substr(0, path.find(':'));
    path.remove_prefix(std::min(path.size(), directory.size() + 1));
    // An empty or relative element means the working directory, where anyone may have put a program.
    if (!directory.starts_with('/')) continue;
    std::string candidate = std::string{directory} + "/" + name;
    if (is_program(candidate)) return candidate;
  }
  return fail(Error::Code::kNotFound, "start " + name + ": no such program in the PATH");
}

std::vector<char*> pointers_to(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& string : strings) pointers.push_back(const_cast<char*>(string.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

Result<std::array<UniqueFd, 2>> make_pipe(const std::optional<int>& size) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno(errno, "make a pipe");
  if (size) fcntl(ends[1], F_SETPIPE_SZ, *size);
  return std::array<UniqueFd, 2>{UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

// Fills in the child's descriptor `number` and returns our end of a pipe, if one was asked for.
Result<UniqueFd> prepare_stream(Prepared& prepared, int number, const ChildStream& stream,
                                const std::optional<int>& pipe_size) {
  UniqueFd& owned = prepared.owned[static_cast<std::size_t>(number)];
  int& source = prepared.sources[static_cast<std::size_t>(number)];
  UniqueFd ours;
  switch (stream.kind) {
    case ChildStream::Kind::kInherit:
      return ours;
    case ChildStream::Kind::kGiven:
      source = stream.fd;
      return ours;
    case ChildStream::Kind::kNull:
      owned = UniqueFd{open("/dev/null", O_RDWR | O_CLOEXEC)};
      if (owned.get() < 0) return fail_errno(errno, "open /dev/null");
      break;
    case ChildStream::Kind::kPipe: {
      std::array<UniqueFd, 2> ends = TRY(make_pipe(pipe_size));
      const bool child_reads = number == STDIN_FILENO;
      owned = std::move(ends[child_reads ? 0 : 1]);
      ours = std::move(ends[child_reads ? 1 : 0]);
      break;
    }
  }
  source = owned.get();
  return ours;
}

// From here to the end of become_program() we are the child: only async-signal-safe calls.

[[noreturn]] void give_up(int status_fd, Failure::Step step) {
  const Failure failure{step, errno};
  [[maybe_unused]] const ssize_t written = write(status_fd, &failure, sizeof failure);
  _exit(127);
}

// Returns the status descriptor's new number: everything is first moved out of the way of 0, 1 and 2.
int move_streams(const Prepared& prepared) {
  constexpr int kOutOfTheWay = 10;
  const int status_fd = fcntl(prepared.status_write.get(), F_DUPFD_CLOEXEC, kOutOfTheWay);
  if (status_fd < 0) give_up(prepared.status_write.get(), Failure::Step::kStreams);
  std::array<int, 3> moved{-1, -1, -1};
  for (std::size_t i = 0; i < moved.size(); ++i) {
    if (prepared.sources[i] < 0) continue;
    moved[i] = fcntl(prepared.sources[i], F_DUPFD_CLOEXEC, kOutOfTheWay);
    if (moved[i] < 0) give_up(status_fd, Failure::Step::kStreams);
  }
  for (std::size_t i = 0; i < moved.size(); ++i) {
    if (moved[i] >= 0 && dup2(moved[i], static_cast<int>(i)) < 0) give_up(status_fd, Failure::Step::kStreams);
  }
  return status_fd;
}

void reset_signals(SpawnOptions::TerminalSignals terminal_signals) {
  struct sigaction plain{};
  plain.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) sigaction(number, &plain, nullptr);
  if (terminal_signals == SpawnOptions::TerminalSignals::kIgnored) {
    plain.sa_handler = SIG_IGN;
    for (const int number : {SIGINT, SIGQUIT, SIGHUP}) sigaction(number, &plain, nullptr);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool take_place(SpawnOptions::Placement placement) {
  switch (placement) {
    case SpawnOptions::Placement::kSameGroup:
      return true;
    case SpawnOptions::Placement::kNewGroup:
      return setpgid(0, 0) == 0;
    case SpawnOptions::Placement::kNewSession:
      return setsid() >= 0;
    case SpawnOptions::Placement::kNewTerminal:
      return setsid() >= 0 && ioctl(STDIN_FILENO, TIOCSCTTY, 0) == 0;
  }
  return false;
}

bool become_user(const Credentials& user) {
  // Without root nobody may set groups; being that user already is all that can be asked then.
  if (geteuid() != 0) {
    errno = EPERM;
    return geteuid() == user.uid && getegid() == user.gid;
  }
  return setgroups(user.groups.size(), user.groups.data()) == 0 &&
         setresgid(user.gid, user.gid, user.gid) == 0 && setresuid(user.uid, user.uid, user.uid) == 0;
}

[[noreturn]] void become_program(const Prepared& prepared, const SpawnOptions& options, pid_t parent) {
  const int status_fd = move_streams(prepared);
  if (!take_place(options.placement)) give_up(status_fd, Failure::Step::kPlacement);
  if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) give_up(status_fd, Failure::Step::kDescriptors);
  if (options.become && !become_user(*options.become)) give_up(status_fd, Failure::Step::kCredentials);
  const std::string& directory = options.working_directory;
  if (!directory.empty() && chdir(directory.c_str()) != 0) give_up(status_fd, Failure::Step::kDirectory);
  reset_signals(options.terminal_signals);
  if (options.dies_with_us) {
    // After the change of user, which clears it. A parent that died before this line is seen by its absence.
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(127);
  }
  execve(prepared.program.c_str(), prepared.argv.data(), prepared.envp.data());
  give_up(status_fd, Failure::Step::kExec);
}

// Handlers of ours must not run in the child: signals wait while it is made.
pid_t fork_with_signals_held(const Prepared& prepared, const SpawnOptions& options) {
  sigset_t all;
  sigset_t former;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &former);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) become_program(prepared, options, parent);
  const int fork_errno = errno;
  pthread_sigmask(SIG_SETMASK, &former, nullptr);
  errno = fork_errno;
  return pid;
}

// An inherited SIG_IGN for SIGCHLD would make the kernel forget our children's exit codes.
void keep_exit_codes() {
  struct sigaction current{};
  if (sigaction(SIGCHLD, nullptr, &current) != 0 || current.sa_handler != SIG_IGN) return;
  current.sa_handler = SIG_DFL;
  sigaction(SIGCHLD, &current, nullptr);
}

// Waits until the child has become the program or said why not.
std::optional<Failure> read_failure(int status_fd) {
  Failure failure;
  ssize_t count = 0;
  do {
    count = read(status_fd, &failure, sizeof failure);
  } while (count < 0 && errno == EINTR);
  if (count != static_cast<ssize_t>(sizeof failure)) return std::nullopt;
  return failure;
}

std::unexpected<Error> as_error(const Failure& failure, const Prepared& prepared,
                                const SpawnOptions& options) {
  const std::string what = fmt::format("start {}: {}", prepared.program, name_of(failure.step));
  if (failure.step == Failure::Step::kExec && failure.os_errno == ENOENT)
    return fail(Error::Code::kNotFound, what + ": no such program");
  if (failure.step == Failure::Step::kDirectory)
    return fail_errno(failure.os_errno, fmt::format("{} {}", what, options.working_directory));
  return fail_errno(failure.os_errno, what);
}

}  // namespace

std::string ExitStatus::to_string() const {
  if (kind == Kind::kExited) return fmt::format("exit code {}", value);
  const char* name = sigdescr_np(value);
  return fmt::format("killed by signal {} ({})", value, name == nullptr ? "unknown" : name);
}

Result<ChildProcess> ChildProcess::start(const SpawnOptions& options) {
  if (options.argv.empty()) return fail(Error::Code::kInvalid, "start a program: no name given");
  Prepared prepared;
  prepared.environment = environment_for(options);
  prepared.program =
      TRY(resolve(options.program.empty() ? options.argv.front() : options.program, prepared.environment));
  prepared.argv = pointers_to(options.argv);
  prepared.envp = pointers_to(prepared.environment);

  ChildProcess child;
  child.input_ = TRY(prepare_stream(prepared, STDIN_FILENO, options.standard_input, options.pipe_size));
  child.output_ = TRY(prepare_stream(prepared, STDOUT_FILENO, options.standard_output, options.pipe_size));
  child.errors_ = TRY(prepare_stream(prepared, STDERR_FILENO, options.standard_error, options.pipe_size));
  std::array<UniqueFd, 2> status = TRY(make_pipe(std::nullopt));
  prepared.status_read = std::move(status[0]);
  prepared.status_write = std::move(status[1]);

  keep_exit_codes();
  const pid_t pid = fork_with_signals_held(prepared, options);
  if (pid < 0) return fail_errno(errno, "start " + prepared.program + ": fork");
  prepared.status_write.reset();
  TRY(child.watch(pid));
  if (const std::optional<Failure> failure = read_failure(prepared.status_read.get()))
    return as_error(*failure, prepared, options);
  return child;
}

Result<ChildProcess> ChildProcess::adopt(pid_t pid) {
  keep_exit_codes();
  ChildProcess child;
  TRY(child.watch(pid));
  return child;
}

// Nobody else reaps our children, so the number cannot have been given to another process.
Result<void> ChildProcess::watch(pid_t pid) {
  pid_ = pid;
  pidfd_ = open_pidfd(pid);
  if (pidfd_.get() >= 0) return {};
  const int pidfd_errno = errno;
  ::kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  return fail_errno(pidfd_errno, "watch a child process: pidfd_open");
}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this == &other) return *this;
  end();
  pid_ = other.pid_;
  pidfd_ = std::move(other.pidfd_);
  input_ = std::move(other.input_);
  output_ = std::move(other.output_);
  errors_ = std::move(other.errors_);
  status_ = other.status_;
  return *this;
}

ChildProcess::~ChildProcess() {
  end();
}

std::optional<ExitStatus> ChildProcess::try_wait() {
  if (status_ || pidfd_.get() < 0) return status_;
  siginfo_t info{};
  if (waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0)
    return std::nullopt;
  const auto kind = info.si_code == CLD_EXITED ? ExitStatus::Kind::kExited : ExitStatus::Kind::kSignalled;
  status_ = ExitStatus{kind, info.si_status};
  return status_;
}

void ChildProcess::signal(int number) {
  if (status_ || pidfd_.get() < 0) return;
  signal_pidfd(pidfd_.get(), number);
}

void ChildProcess::terminate() {
  signal(SIGTERM);
}

void ChildProcess::kill() {
  signal(SIGKILL);
}

void ChildProcess::end() {
  if (status_ || pidfd_.get() < 0) return;
  kill();
  siginfo_t info{};
  while (waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED) != 0 && errno == EINTR) {
  }
}

}  // namespace isthmus::io
