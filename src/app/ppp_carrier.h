// What `isthmus ppp` speaks over: a terminal, standard input and output, or a command on a pseudo-terminal.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/time.h"
#include "config/exit_codes.h"
#include "config/ppp_options.h"
#include "io/child_process.h"
#include "io/terminal.h"
#include "io/unique_fd.h"

namespace isthmus::app {

// Why there is no link, and pppd's number for it.
struct PppFailure {
  config::PppExit exit;
  std::string message;
};

// Held for one connection; a redial opens another.
class PppCarrier {
 public:
  static std::expected<PppCarrier, PppFailure> open(const config::PppOptions& options);

  PppCarrier(PppCarrier&&) noexcept = default;
  PppCarrier& operator=(PppCarrier&&) = delete;
  PppCarrier(const PppCarrier&) = delete;
  PppCarrier& operator=(const PppCarrier&) = delete;
  ~PppCarrier();

  // "/dev/pts/1", for the log.
  [[nodiscard]] const std::string& name() const { return name_; }
  // Where octets come from and go to: duplicates for a Stream.
  [[nodiscard]] Result<std::pair<io::UniqueFd, io::UniqueFd>> descriptors() const;

  // A command's standard error, once, if its lines are ours to log: not open otherwise.
  [[nodiscard]] io::UniqueFd take_command_errors();

  // Lets go, once the Stream has: terminal settings come back, a command has a moment to end by itself and is
  // ended otherwise. Returns the command's status in words, empty without one.
  std::string close();

 private:
  PppCarrier() = default;
  std::optional<PppFailure> open_terminal(const config::PppOptions& options);
  std::optional<PppFailure> open_standard_streams();
  std::optional<PppFailure> run_command(const config::PppOptions& options);

  std::string name_;
  std::optional<io::TerminalLock> lock_;  // let go after the terminal
  std::optional<io::RawTerminal> terminal_;
  io::UniqueFd in_, out_;
  // Standard streams may be shared with others: what they were before we made them non-blocking.
  std::optional<std::pair<int, int>> former_flags_;
  std::unique_ptr<io::ChildProcess> command_;
};

// How long a peer is given to speak first. What is said to a terminal before its program runs comes back as
// an echo, and to a login it is text; but two ends that both wait must not wait for ever.
Duration first_word_patience(const config::PppOptions& options);

// Whether what is written to standard error would end up in the stream.
bool standard_error_is_carrier(const config::PppOptions& options);

}  // namespace isthmus::app
