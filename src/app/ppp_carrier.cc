#include "app/ppp_carrier.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace isthmus::app {
namespace {

constexpr std::chrono::milliseconds kOwnEnd{2000};     // for a command to end after its stream did
constexpr std::chrono::milliseconds kAfterTerm{1000};  // and after SIGTERM

Result<io::UniqueFd> duplicate(int fd) {
  io::UniqueFd copy{fcntl(fd, F_DUPFD_CLOEXEC, 3)};
  if (!copy.is_open()) return fail_errno(errno, "duplicate a descriptor of the stream");
  return copy;
}

io::TerminalOptions terminal_options(const config::PppOptions& options) {
  using enum io::TerminalOptions::FlowControl;
  using enum io::TerminalOptions::ModemLines;
  return {.speed = options.speed,
          .flow_control = options.hardware_flow_control ? kHardware : kAsItIs,
          .modem_lines = options.modem_control ? kHeeded : kIgnored};
}

bool has_ended_within(io::ChildProcess& child, std::chrono::milliseconds patience) {
  pollfd ended{child.pidfd(), POLLIN, 0};
  ::poll(&ended, 1, static_cast<int>(patience.count()));
  return child.try_wait().has_value();
}

std::string end_command(io::ChildProcess& child) {
  if (!has_ended_within(child, kOwnEnd)) {
    child.terminate();
    if (!has_ended_within(child, kAfterTerm)) {
      child.kill();
      has_ended_within(child, kAfterTerm);
    }
  }
  const auto status = child.try_wait();
  return status ? status->to_string() : "not ended";
}

bool are_same_file(const struct stat& one, const struct stat& other) {
  if (S_ISCHR(one.st_mode) && S_ISCHR(other.st_mode)) return one.st_rdev == other.st_rdev;
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

}  // namespace

std::expected<PppCarrier, PppFailure> PppCarrier::open(const config::PppOptions& options) {
  PppCarrier carrier;
  std::optional<PppFailure> failure;
  switch (options.transport) {
    case config::PppTransport::kTty:
      failure = carrier.open_terminal(options);
      break;
    case config::PppTransport::kNotty:
      failure = carrier.open_standard_streams();
      break;
    case config::PppTransport::kPty:
      failure = carrier.run_command(options);
      break;
  }
  if (failure) return std::unexpected(std::move(*failure));
  return carrier;
}

PppCarrier::~PppCarrier() {
  close();
}

std::optional<PppFailure> PppCarrier::open_terminal(const config::PppOptions& options) {
  using config::PppExit;
  if (options.tty.empty()) {
    if (!io::is_terminal(STDIN_FILENO)) {
      return PppFailure{PppExit::kOpenFailed, "standard input is no terminal: name one, or say notty"};
    }
    const char* const path = ttyname(STDIN_FILENO);
    name_ = path != nullptr ? path : "standard input";
  } else {
    name_ = options.tty;
  }
  if (options.lock && name_.starts_with("/dev/")) {
    auto lock = io::TerminalLock::acquire(name_);
    if (!lock) return PppFailure{PppExit::kLockFailed, lock.error().message};
    lock_.emplace(std::move(*lock));
  }
  auto terminal = [&]() -> Result<io::RawTerminal> {
    if (!options.tty.empty()) return io::RawTerminal::open(options.tty, terminal_options(options));
    return io::RawTerminal::adopt(TRY(duplicate(STDIN_FILENO)), terminal_options(options));
  }();
  if (!terminal) return PppFailure{PppExit::kOpenFailed, terminal.error().message};
  terminal_.emplace(std::move(*terminal));
  return std::nullopt;
}

std::optional<PppFailure> PppCarrier::open_standard_streams() {
  name_ = "standard input and output";
  auto in = duplicate(STDIN_FILENO);
  auto out = duplicate(STDOUT_FILENO);
  if (!in || !out) return PppFailure{config::PppExit::kOpenFailed, "standard input or output is closed"};
  in_ = std::move(*in);
  out_ = std::move(*out);
  former_flags_ = {fcntl(in_.get(), F_GETFL), fcntl(out_.get(), F_GETFL)};
  return std::nullopt;
}

std::optional<PppFailure> PppCarrier::run_command(const config::PppOptions& options) {
  auto pair = io::open_pty();
  if (!pair) return PppFailure{config::PppExit::kOpenFailed, pair.error().message};
  io::SpawnOptions spawn;
  spawn.argv = options.pty_command;
  const io::ChildStream terminal{io::ChildStream::Kind::kGiven, pair->slave.get()};
  spawn.standard_input = spawn.standard_output = terminal;
  // Whoever called us and reads our standard error to its end is not to wait for the command's as well.
  if (options.detach != config::PppDetach::kNever) spawn.standard_error.kind = io::ChildStream::Kind::kPipe;
  // It keeps our controlling terminal for prompts, but a ctrl-C there is for us to answer, with a Terminate.
  spawn.terminal_signals = io::SpawnOptions::TerminalSignals::kIgnored;
  auto command = io::ChildProcess::start(spawn);
  if (!command) return PppFailure{config::PppExit::kPtyCommandFailed, command.error().message};
  command_ = std::make_unique<io::ChildProcess>(std::move(*command));
  name_ = pair->slave_path;
  in_ = std::move(pair->master);
  return std::nullopt;
}

Result<std::pair<io::UniqueFd, io::UniqueFd>> PppCarrier::descriptors() const {
  const int in = terminal_ ? terminal_->fd() : in_.get();
  const int out = out_.is_open() ? out_.get() : in;
  io::UniqueFd first = TRY(duplicate(in));
  io::UniqueFd second = TRY(duplicate(out));
  return std::pair{std::move(first), std::move(second)};
}

io::UniqueFd PppCarrier::take_command_errors() {
  return command_ ? command_->take_errors() : io::UniqueFd{};
}

std::string PppCarrier::close() {
  if (former_flags_ && in_.is_open()) {
    fcntl(in_.get(), F_SETFL, former_flags_->first);
    fcntl(out_.get(), F_SETFL, former_flags_->second);
  }
  terminal_.reset();
  lock_.reset();
  in_.reset();
  out_.reset();
  if (!command_) return {};
  const std::string status = end_command(*command_);
  command_.reset();
  return status;
}

Duration first_word_patience(const config::PppOptions& options) {
  switch (options.transport) {
    case config::PppTransport::kTty:
      return std::chrono::seconds{3};
    case config::PppTransport::kNotty:
      return Duration::zero();
    case config::PppTransport::kPty:
      return std::chrono::seconds{10};  // a command such as ssh has to log in first
  }
  return Duration::zero();
}

bool standard_error_is_carrier(const config::PppOptions& options) {
  if (options.transport == config::PppTransport::kPty) return false;
  struct stat error{};
  struct stat carrier{};
  if (fstat(STDERR_FILENO, &error) != 0) return false;
  const bool is_named = options.transport == config::PppTransport::kTty && !options.tty.empty();
  const int found = is_named ? stat(options.tty.c_str(), &carrier) : fstat(STDOUT_FILENO, &carrier);
  if (found == 0 && are_same_file(error, carrier)) return true;
  if (is_named || fstat(STDIN_FILENO, &carrier) != 0) return false;
  return are_same_file(error, carrier);
}

}  // namespace isthmus::app
