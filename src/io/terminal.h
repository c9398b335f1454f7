// A serial line or pseudo-terminal as a carrier of PPP: raw while we hold it, as it was afterwards.
#pragma once

#include <termios.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "io/unique_fd.h"

namespace isthmus::io {

bool is_terminal(int fd);

struct TerminalOptions {
  enum class FlowControl : std::uint8_t { kAsItIs, kNone, kHardware, kSoftware };
  enum class ModemLines : std::uint8_t { kIgnored, kHeeded };  // pppd's `local` and `modem`
  std::optional<std::uint32_t> speed;                          // bit/s; as it is if empty
  FlowControl flow_control = FlowControl::kAsItIs;
  ModemLines modem_lines = ModemLines::kIgnored;
};

// Raw, eight bits, no parity, non-blocking; the former settings come back on destruction.
class RawTerminal {
 public:
  // Opens without making it our controlling terminal. kUnsupported for a speed the system has no number for.
  static Result<RawTerminal> open(const std::string& path, const TerminalOptions& options);
  // The same for a terminal already open (our own standard input, or a pty).
  static Result<RawTerminal> adopt(UniqueFd terminal, const TerminalOptions& options);

  RawTerminal(RawTerminal&&) noexcept = default;
  RawTerminal& operator=(RawTerminal&&) = delete;
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  ~RawTerminal();

  [[nodiscard]] int fd() const { return terminal_.get(); }

 private:
  RawTerminal(UniqueFd terminal, const termios& former, int former_flags);

  UniqueFd terminal_;
  termios former_{};
  int former_flags_ = 0;
};

// The lock that pppd, chat, minicom and uucp respect: LCK..NAME with our pid, removed on destruction.
class TerminalLock {
 public:
  // `path` as in /dev/ttyS0. kExists names the process that holds it; the lock of a dead process is replaced.
  static Result<TerminalLock> acquire(const std::string& path, const std::string& directory = "/run/lock");

  TerminalLock(TerminalLock&& other) noexcept : file_(std::move(other.file_)) { other.file_.clear(); }
  TerminalLock& operator=(TerminalLock&&) = delete;
  TerminalLock(const TerminalLock&) = delete;
  TerminalLock& operator=(const TerminalLock&) = delete;
  ~TerminalLock();

 private:
  explicit TerminalLock(std::string file) : file_(std::move(file)) {}

  std::string file_;  // empty after a move
};

struct PtyPair {
  UniqueFd master;  // non-blocking, close-on-exec
  UniqueFd slave;   // raw, close-on-exec
  std::string slave_path;
};
Result<PtyPair> open_pty();

}  // namespace isthmus::io
