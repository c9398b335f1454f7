#include "io/terminal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/parse_number.h"

namespace isthmus::io {
namespace {

struct Speed {
  std::uint32_t bits_per_second;
  speed_t code;
};
constexpr std::array kSpeeds{Speed{300, B300},         Speed{600, B600},         Speed{1200, B1200},
                             Speed{2400, B2400},       Speed{4800, B4800},       Speed{9600, B9600},
                             Speed{19200, B19200},     Speed{38400, B38400},     Speed{57600, B57600},
                             Speed{115200, B115200},   Speed{230400, B230400},   Speed{460800, B460800},
                             Speed{500000, B500000},   Speed{576000, B576000},   Speed{921600, B921600},
                             Speed{1000000, B1000000}, Speed{1152000, B1152000}, Speed{1500000, B1500000},
                             Speed{2000000, B2000000}, Speed{3000000, B3000000}, Speed{4000000, B4000000}};

Result<void> set_speed(termios& settings, std::uint32_t bits_per_second) {
  const auto speed = std::ranges::find(kSpeeds, bits_per_second, &Speed::bits_per_second);
  if (speed == kSpeeds.end())
    return fail(Error::Code::kUnsupported,
                fmt::format("no terminal has a speed of {} bit/s", bits_per_second));
  cfsetispeed(&settings, speed->code);
  cfsetospeed(&settings, speed->code);
  return {};
}

void set_flow_control(termios& settings, TerminalOptions::FlowControl flow_control, const termios& former) {
  settings.c_iflag &= ~static_cast<tcflag_t>(IXON | IXOFF | IXANY);
  switch (flow_control) {
    case TerminalOptions::FlowControl::kAsItIs:
      settings.c_iflag |= former.c_iflag & static_cast<tcflag_t>(IXON | IXOFF);
      return;
    case TerminalOptions::FlowControl::kNone:
      settings.c_cflag &= ~static_cast<tcflag_t>(CRTSCTS);
      return;
    case TerminalOptions::FlowControl::kHardware:
      settings.c_cflag |= CRTSCTS;
      return;
    case TerminalOptions::FlowControl::kSoftware:
      settings.c_cflag &= ~static_cast<tcflag_t>(CRTSCTS);
      settings.c_iflag |= IXON | IXOFF;
      return;
  }
}

Result<termios> raw_settings(const termios& former, const TerminalOptions& options) {
  termios settings = former;
  cfmakeraw(&settings);
  settings.c_iflag |= IGNBRK | IGNPAR;
  settings.c_cflag &= ~static_cast<tcflag_t>(CSTOPB);
  settings.c_cflag |= CREAD | HUPCL;
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VTIME] = 0;
  set_flow_control(settings, options.flow_control, former);
  if (options.modem_lines == TerminalOptions::ModemLines::kIgnored) {
    settings.c_cflag |= CLOCAL;
  } else {
    settings.c_cflag &= ~static_cast<tcflag_t>(CLOCAL);
  }
  if (options.speed) TRY(set_speed(settings, *options.speed));
  return settings;
}

std::optional<pid_t> holder_of(const std::string& lock_file) {
  // HDB format: the pid in ten characters and a line feed; some write it shorter.
  std::ifstream file{lock_file};
  std::string word;
  file >> word;
  const std::optional<pid_t> pid = parse_number<pid_t>(word);
  return pid && *pid > 0 ? pid : std::nullopt;
}

bool is_alive(pid_t pid) {
  return kill(pid, 0) == 0 || errno != ESRCH;
}

// /dev/ttyS0 is LCK..ttyS0, /dev/pts/3 is LCK..pts_3, and a symbolic link counts as what it points to.
std::string lock_name(const std::string& path) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(path, error);
  std::string name = error ? path : real.string();
  if (name.starts_with("/dev/")) name.erase(0, 5);
  std::ranges::replace(name, '/', '_');
  return "LCK.." + name;
}

}  // namespace

bool is_terminal(int fd) {
  return isatty(fd) == 1;
}

Result<RawTerminal> RawTerminal::open(const std::string& path, const TerminalOptions& options) {
  // Without O_NONBLOCK the open itself would wait for a modem's carrier.
  UniqueFd terminal{::open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)};
  if (!terminal.is_open()) return fail_errno(errno, "open " + path);
  if (!is_terminal(terminal.get())) return fail(Error::Code::kInvalid, path + " is not a terminal");
  return adopt(std::move(terminal), options);
}

Result<RawTerminal> RawTerminal::adopt(UniqueFd terminal, const TerminalOptions& options) {
  termios former{};
  if (tcgetattr(terminal.get(), &former) != 0) return fail_errno(errno, "read the terminal's settings");
  const termios settings = TRY(raw_settings(former, options));
  const int former_flags = fcntl(terminal.get(), F_GETFL);
  if (tcsetattr(terminal.get(), TCSANOW, &settings) != 0)
    return fail_errno(errno, "put the terminal into raw mode");
  fcntl(terminal.get(), F_SETFL, former_flags | O_NONBLOCK);
  return RawTerminal{std::move(terminal), former, former_flags};
}

RawTerminal::RawTerminal(UniqueFd terminal, const termios& former, int former_flags)
    : terminal_(std::move(terminal)), former_(former), former_flags_(former_flags) {}

RawTerminal::~RawTerminal() {
  if (!terminal_.is_open()) return;
  // What could not be sent is thrown away: a peer that has stopped reading must not hold up our end.
  tcflush(terminal_.get(), TCIOFLUSH);
  tcsetattr(terminal_.get(), TCSANOW, &former_);
  fcntl(terminal_.get(), F_SETFL, former_flags_);
}

Result<TerminalLock> TerminalLock::acquire(const std::string& path, const std::string& directory) {
  constexpr int kAttempts = 3;
  const std::string file = directory + "/" + lock_name(path);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const UniqueFd lock{::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)};
    if (lock.is_open()) {
      const std::string pid = fmt::format("{:10}\n", getpid());
      if (write(lock.get(), pid.data(), pid.size()) == static_cast<ssize_t>(pid.size()))
        return TerminalLock{file};
      const int write_errno = errno;
      unlink(file.c_str());
      return fail_errno(write_errno, "write " + file);
    }
    if (errno != EEXIST) return fail_errno(errno, fmt::format("lock {} by {}", path, file));
    const std::optional<pid_t> holder = holder_of(file);
    if (!holder || is_alive(*holder)) {
      const std::string who = holder ? fmt::format("process {}", *holder) : "another program";
      return fail(Error::Code::kExists, fmt::format("{} is in use by {} ({})", path, who, file));
    }
    unlink(file.c_str());
  }
  return fail(Error::Code::kExists, path + ": others keep locking it");
}

TerminalLock::~TerminalLock() {
  if (!file_.empty()) unlink(file_.c_str());
}

Result<PtyPair> open_pty() {
  PtyPair pair;
  pair.master.reset(posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  std::array<char, 64> name{};
  if (!pair.master.is_open() || grantpt(pair.master.get()) != 0 || unlockpt(pair.master.get()) != 0 ||
      ptsname_r(pair.master.get(), name.data(), name.size()) != 0)
    return fail_errno(errno, "open a pseudo-terminal");
  pair.slave_path = name.data();
  pair.slave.reset(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!pair.slave.is_open()) return fail_errno(errno, "open " + pair.slave_path);
  termios settings{};
  if (tcgetattr(pair.slave.get(), &settings) != 0) return fail_errno(errno, "read its settings");
  cfmakeraw(&settings);
  if (tcsetattr(pair.slave.get(), TCSANOW, &settings) != 0)
    return fail_errno(errno, "put the pseudo-terminal into raw mode");
  return pair;
}

}  // namespace isthmus::io
