#include "io/log.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <ctime>

#include "base/printable.h"

// Not on spdlog: its syslog sink has no notice among its levels and no way to put it there, and its sinks
// wait for a standard error that is full. Both sinks would be written here all the same.
namespace isthmus::io {
namespace {

int syslog_priority(LogLevel level) {
  switch (level) {
    case LogLevel::kError:
      return LOG_ERR;
    case LogLevel::kWarning:
      return LOG_WARNING;
    case LogLevel::kNotice:
      return LOG_NOTICE;
    case LogLevel::kInfo:
      return LOG_INFO;
    case LogLevel::kNegotiation:
    case LogLevel::kFrame:
      return LOG_DEBUG;
  }
  return LOG_INFO;
}

const char* word_for(LogLevel level) {
  if (level == LogLevel::kError) return "error: ";
  if (level == LogLevel::kWarning) return "warning: ";
  return "";
}

// "2026-11-22 16:31:07.250", in the machine's own time zone.
std::string time_stamp() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm local{};
  localtime_r(&now.tv_sec, &local);
  std::array<char, 32> text{};
  strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &local);
  return fmt::format("{}.{:03}", text.data(), now.tv_nsec / 1'000'000);
}

}  // namespace

std::string log_line(std::string_view text) {
  constexpr std::string_view kCut = "…";
  std::string line;
  while (!text.empty()) {
    if (line.size() + 4 > kMaxLogLine - kCut.size()) return line.append(kCut);
    const std::size_t length = printable_length(text);
    if (length > 0) {
      line.append(text.substr(0, length));
    } else {
      line += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(text.front()));
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return line;
}

bool is_journal_stream(int fd, std::string_view journal_stream) {
  struct stat status{};
  if (journal_stream.empty() || fstat(fd, &status) != 0) return false;
  return journal_stream == fmt::format("{}:{}", status.st_dev, status.st_ino);
}

Log::Log(const LogOptions& options)
    : most_(options.most),
      to_stderr_(options.to_stderr),
      is_beside_progress_(options.is_beside_progress),
      stderr_(STDERR_FILENO) {
  const char* journal_stream = getenv("JOURNAL_STREAM");
  is_journal_ = journal_stream != nullptr && is_journal_stream(STDERR_FILENO, journal_stream);
  to_syslog_ = options.to_syslog && !(is_journal_ && to_stderr_);
  if (to_syslog_) openlog("isthmus", LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

Log::~Log() {
  if (to_syslog_) closelog();
}

void Log::write(LogLevel level, std::string_view text) {
  put(level, text, to_stderr_ && (!is_beside_progress_ || level <= LogLevel::kWarning));
}

void Log::record(LogLevel level, std::string_view text) {
  put(level, text, to_stderr_ && !is_beside_progress_);
}

void Log::put(LogLevel level, std::string_view text, bool to_stderr) {
  if (!wants(level)) return;
  const std::string line = log_line(text);
  if (to_syslog_) syslog(syslog_priority(level), "%s%s", word_for(level), line.c_str());
  if (!to_stderr) return;
  const std::string prefix = is_journal_ ? fmt::format("<{}>", syslog_priority(level)) : time_stamp() + " ";
  stderr_.write(prefix, word_for(level) + line);
}

}  // namespace isthmus::io
