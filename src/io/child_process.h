// A program started by its argument vector, never through a shell, and waited for by a pidfd.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/unique_fd.h"

namespace isthmus::io {

// What a child's descriptor 0, 1 or 2 becomes.
struct ChildStream {
  enum class Kind : std::uint8_t {
    kInherit,  // ours
    kNull,     // /dev/null
    kPipe,     // a new pipe; our end is in ChildProcess
    kGiven,    // `fd`, which stays the caller's
  };
  Kind kind = Kind::kInherit;
  int fd = -1;
};

struct Credentials {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // supplementary, as initgroups(3) would set them
  friend bool operator==(const Credentials&, const Credentials&) = default;
};

struct SpawnOptions {
  enum class Placement : std::uint8_t {
    kSameGroup,    // keeps the terminal and gets its ctrl-C
    kNewGroup,     // keeps the terminal, but may not read it
    kNewSession,   // no controlling terminal
    kNewTerminal,  // a new session whose controlling terminal is descriptor 0
  };
  // OpenSSH 9.2 keeps an inherited SIG_IGN for these three while a session runs, and so does the ssh of a
  // jump host; at its prompts ctrl-C still ends it. A ProxyCommand with a handler of its own (socat) dies of
  // ctrl-C. kNewGroup is no way out: ssh is stopped by SIGTTIN as soon as it asks for something.
  enum class TerminalSignals : std::uint8_t {
    kDefault,  // SIGINT, SIGQUIT and SIGHUP end the child
    kIgnored,  // they do not, unless the program installs handlers of its own
  };

  // argv[0] is looked up in the PATH of the child's environment unless it holds a '/'.
  std::vector<std::string> argv;
  std::string program;  // executed instead of argv[0] if not empty
  // Our environment if empty; changes are applied to it, nullopt removes a variable.
  std::optional<std::vector<std::string>> environment;
  std::map<std::string, std::optional<std::string>> environment_changes;
  ChildStream standard_input, standard_output, standard_error;
  // F_SETPIPE_SZ for the pipes made; what the system refuses is silently left as it is.
  std::optional<int> pipe_size;
  std::optional<Credentials> become;  // needs root unless it is what we are
  std::string working_directory;      // ours if empty
  Placement placement = Placement::kSameGroup;
  TerminalSignals terminal_signals = TerminalSignals::kDefault;
  // The child gets SIGTERM when the thread that started it ends. Survives no set-user-ID program.
  bool dies_with_us = true;
};

struct ExitStatus {
  enum class Kind : std::uint8_t { kExited, kSignalled };
  Kind kind = Kind::kExited;
  int value = 0;  // exit code or signal number

  [[nodiscard]] bool is_success() const { return kind == Kind::kExited && value == 0; }
  // "exit code 255" or "killed by signal 15 (Terminated)".
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

// Every descriptor but 0, 1 and 2 is closed in the child; its signal mask is empty and its dispositions are
// the default ones but as TerminalSignals says. Destruction of a child not yet waited for kills and reaps it.
class ChildProcess {
 public:
  // kNotFound if there is no such program, else kSystem naming the program and the step that failed.
  static Result<ChildProcess> start(const SpawnOptions& options);

  // A child of ours that fork(2) made and nobody else waits for.
  static Result<ChildProcess> adopt(pid_t pid);

  ChildProcess(ChildProcess&&) noexcept = default;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  [[nodiscard]] pid_t pid() const { return pid_; }
  // Readable once the child has ended.
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }
  // Our ends of the pipes that were asked for: blocking, close-on-exec, empty otherwise or after take_*().
  [[nodiscard]] int input() const { return input_.get(); }    // writes to its descriptor 0
  [[nodiscard]] int output() const { return output_.get(); }  // reads its descriptor 1
  [[nodiscard]] int errors() const { return errors_.get(); }  // reads its descriptor 2
  UniqueFd take_input() { return std::move(input_); }
  UniqueFd take_output() { return std::move(output_); }
  UniqueFd take_errors() { return std::move(errors_); }

  // nullopt while it runs. Remembers the status: may be asked again.
  [[nodiscard]] std::optional<ExitStatus> try_wait();
  void terminate();  // SIGTERM, also to a stopped child; nothing after its end
  void kill();       // SIGKILL
  // From now on it is nobody's to end: it outlives us, and its end is init's to notice.
  void leave_running() { pidfd_.reset(); }

 private:
  ChildProcess() = default;
  Result<void> watch(pid_t pid);
  void signal(int number);
  void end();

  pid_t pid_ = -1;
  UniqueFd pidfd_;
  UniqueFd input_, output_, errors_;
  std::optional<ExitStatus> status_;
};

}  // namespace isthmus::io
