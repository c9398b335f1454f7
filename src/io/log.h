// The life of the link, line by line, to standard error and to syslog. What peers wrote may be passed as it
// is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "io/line_output.h"

namespace isthmus::io {

enum class LogLevel : std::uint8_t {
  kError,
  kWarning,
  kNotice,       // the life of the link: who, addresses, routes, why it ended
  kInfo,         // steps on the way
  kNegotiation,  // -v: every option
  kFrame,        // -vv: every frame, decoded
};

struct LogOptions {
  LogLevel most = LogLevel::kInfo;
  bool to_stderr = true;
  bool to_syslog = true;  // as LOG_DAEMON; not where standard error is the journal already
  // A person is told each step there otherwise: standard error gets warnings and errors only.
  bool is_beside_progress = false;
};

// Never waits: a line that standard error cannot take at once (a terminal stopped by ctrl-S, a full pipe) is
// left out there, and their number is told later. One at a time in a process; not for several threads at
// once.
class Log {
 public:
  explicit Log(const LogOptions& options);
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  ~Log();

  [[nodiscard]] bool wants(LogLevel level) const { return level <= most_; }
  // One line, made fit by log_line(). With the time; in the journal with its priority instead.
  void write(LogLevel level, std::string_view text);
  // As write(), but not to standard error where progress tells the same.
  void record(LogLevel level, std::string_view text);

  void error(std::string_view text) { write(LogLevel::kError, text); }
  void warning(std::string_view text) { write(LogLevel::kWarning, text); }
  void notice(std::string_view text) { write(LogLevel::kNotice, text); }
  void info(std::string_view text) { write(LogLevel::kInfo, text); }

 private:
  void put(LogLevel level, std::string_view text, bool to_stderr);

  LogLevel most_;
  bool to_stderr_;
  bool is_beside_progress_;
  bool is_journal_;
  bool to_syslog_;
  LineOutput stderr_;
};

inline constexpr std::size_t kMaxLogLine = 1024;

// `text` with control characters, direction overrides and octets that are no UTF-8 written as \xNN, cut at
// about kMaxLogLine octets.
std::string log_line(std::string_view text);

// Whether descriptor `fd` is the stream that JOURNAL_STREAM, "DEVICE:INODE", names.
bool is_journal_stream(int fd, std::string_view journal_stream);

}  // namespace isthmus::io
