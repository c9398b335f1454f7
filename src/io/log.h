// The life of the link, line by line, to standard error and to syslog. What peers wrote may be passed as it
// is.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

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
  bool to_syslog = true;  // ignored where standard error is the journal already
};

// Not for several threads at once.
class Log {
 public:
  explicit Log(const LogOptions& options);
  Log(Log&&) noexcept;
  Log& operator=(Log&&) noexcept;
  ~Log();

  [[nodiscard]] bool wants(LogLevel level) const;
  // One line, made fit by log_line().
  void write(LogLevel level, std::string_view text);

  void error(std::string_view text) { write(LogLevel::kError, text); }
  void warning(std::string_view text) { write(LogLevel::kWarning, text); }
  void notice(std::string_view text) { write(LogLevel::kNotice, text); }
  void info(std::string_view text) { write(LogLevel::kInfo, text); }

 private:
  struct Sinks;
  std::unique_ptr<Sinks> sinks_;
};

inline constexpr std::size_t kMaxLogLine = 1024;

// `text` with control characters and octets that are no UTF-8 written as \xNN, cut at kMaxLogLine octets.
std::string log_line(std::string_view text);

}  // namespace isthmus::io
