#include "io/log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/unique_fd.h"

namespace isthmus::io {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::StartsWith;

TEST(LogLine, LeavesReadableTextAlone) {
  EXPECT_EQ(log_line("route 193.6.37.0/24 dev isth0 — Ádám, 日本"),
            "route 193.6.37.0/24 dev isth0 — Ádám, 日本");
}

TEST(LogLine, EscapesWhatCouldForgeALineOrDriveATerminal) {
  EXPECT_EQ(log_line("a\nb"), "a\\x0ab");
  EXPECT_EQ(log_line("\x1b[2J\x7f"), "\\x1b[2J\\x7f");
  EXPECT_EQ(log_line("\xc2\x9b"), "\\xc2\\x9b");     // CSI as a C1 control
  EXPECT_EQ(log_line("\u202e"), "\\xe2\\x80\\xae");  // right-to-left override
  EXPECT_EQ(log_line(std::string_view{"\0", 1}), "\\x00");
  EXPECT_EQ(log_line("\u2028\u200f"),
            "\\xe2\\x80\\xa8\\xe2\\x80\\x8f");  // line separator, right-to-left mark
}

TEST(LogLine, EscapesOctetsThatAreNoUtf8) {
  for (const char* text :
       {"\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff", "\xe2\x82"})
    EXPECT_THAT(log_line(text), StartsWith("\\x")) << text;
}

TEST(LogLine, IsBounded) {
  EXPECT_LE(log_line(std::string(100000, 'x')).size(), kMaxLogLine);
  EXPECT_LE(log_line(std::string(100000, '\x01')).size(), kMaxLogLine);
}

// Standard error is a pipe of ours while this lives.
class CapturedStderr {
 public:
  CapturedStderr() : former_(dup(STDERR_FILENO)) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    reader_.reset(ends[0]);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
  }
  ~CapturedStderr() { dup2(former_.get(), STDERR_FILENO); }

  [[nodiscard]] std::string text() const {
    std::string text(1 << 20, '\0');
    const ssize_t count = read(reader_.get(), text.data(), text.size());
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
  }

 private:
  UniqueFd former_, reader_;
};

constexpr LogOptions kStderrOnly{.most = LogLevel::kInfo, .to_stderr = true, .to_syslog = false};

TEST(Log, LeavesToProgressWhatProgressTells) {
  const CapturedStderr captured;
  Log log{{.most = LogLevel::kInfo, .to_stderr = true, .to_syslog = false, .is_beside_progress = true}};
  log.notice("added route");
  log.record(LogLevel::kError, "refused");
  log.warning("put back");
  EXPECT_THAT(captured.text(), testing::AllOf(HasSubstr("put back"), testing::Not(HasSubstr("added")),
                                              testing::Not(HasSubstr("refused"))));
}

TEST(Log, WritesTheTimeAndTheText) {
  const CapturedStderr captured;
  Log log{kStderrOnly};
  log.notice("link is up");
  log.warning("no return route");
  const std::string text = captured.text();
  EXPECT_THAT(text, ContainsRegex("^[0-9-]+ [0-9:]+\\.[0-9]+ link is up\n"));
  EXPECT_THAT(text, HasSubstr(" warning: no return route\n"));
}

TEST(Log, LeavesOutWhatNobodyAskedFor) {
  const CapturedStderr captured;
  Log log{kStderrOnly};
  log.write(LogLevel::kNegotiation, "MRU 1500");
  EXPECT_EQ(captured.text(), "");
  EXPECT_FALSE(log.wants(LogLevel::kFrame));
}

TEST(Log, GivesTheJournalPrioritiesInsteadOfTimes) {
  const CapturedStderr captured;
  struct stat status{};
  fstat(STDERR_FILENO, &status);
  setenv("JOURNAL_STREAM", fmt::format("{}:{}", status.st_dev, status.st_ino).c_str(), 1);
  Log log{kStderrOnly};
  unsetenv("JOURNAL_STREAM");
  log.notice("link is up");
  EXPECT_EQ(captured.text(), "<5>link is up\n");
}

TEST(Log, NeverWaitsForAReaderAndTellsWhatItLeftOut) {
  const CapturedStderr captured;
  Log log{kStderrOnly};
  for (int i = 0; i < 200; ++i) log.info(std::string(900, 'x'));
  static_cast<void>(captured.text());
  log.info("again");
  EXPECT_THAT(captured.text(), ContainsRegex("\\([0-9]+ lines left out\\)\n.* again\n"));
}

}  // namespace
}  // namespace isthmus::io
