#include "app/ssh_call.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "config/ssh_failure.h"
#include "io/invoking_user.h"
#include "io/outer_endpoint.h"
#include "io/program_access.h"
#include "io/run_program.h"

namespace isthmus::app {
namespace {

constexpr std::size_t kMostKept = 16 * 1024;
constexpr int kPipeSize = 1 << 20;
constexpr Duration kSettingsPatience = std::chrono::seconds{5};

}  // namespace

config::SshSettings read_ssh_settings(const config::UpOptions& options) {
  const std::vector<std::string> argv = config::ssh_settings_command(options);
  const Result<io::InvokingUser> user = io::find_invoking_user();
  if (argv.empty() || !user) return {};
  io::SpawnOptions spawn;
  spawn.argv = argv;
  spawn.environment = io::ssh_environment(*user);
  if (user->is_behind_sudo) spawn.become = user->credentials;
  const Result<io::ProgramOutput> output = io::run_program(std::move(spawn), "", kSettingsPatience);
  const bool is_known = output && output->status == io::ExitStatus{io::ExitStatus::Kind::kExited, 0};
  return is_known ? config::parse_ssh_settings(output->output) : config::SshSettings{};
}

std::optional<std::string> program_for_ssh() {
  const Result<io::InvokingUser> user = io::find_invoking_user();
  std::optional<std::string> program = io::own_program();
  if (!user || !program || !io::may_execute(*program, user->credentials)) return std::nullopt;
  return program;
}

Result<std::unique_ptr<SshCall>> SshCall::start(asio::io_context& loop, const config::SshCommand& command,
                                                Handlers handlers) {
  const io::InvokingUser user = TRY(io::find_invoking_user());
  io::SpawnOptions options;
  options.argv = command.argv;
  options.environment = io::ssh_environment(user);
  options.environment->insert(options.environment->end(), command.environment.begin(),
                              command.environment.end());
  options.standard_input.kind = options.standard_output.kind = options.standard_error.kind =
      io::ChildStream::Kind::kPipe;
  options.pipe_size = kPipeSize;
  if (user.is_behind_sudo) options.become = user.credentials;
  // ctrl-C reaches the whole foreground group: ssh has to outlive it, or there would be no stream to say
  // goodbye on.
  options.terminal_signals = io::SpawnOptions::TerminalSignals::kIgnored;
  io::ChildProcess child = TRY(io::ChildProcess::start(options));
  std::unique_ptr<SshCall> call{new SshCall{loop, std::move(child), std::move(handlers)}};
  call->read_errors();
  call->wait_end();
  return call;
}

SshCall::SshCall(asio::io_context& loop, io::ChildProcess child, Handlers handlers)
    : child_(std::move(child)),
      handlers_(std::move(handlers)),
      errors_(loop, child_.take_errors().release()),
      end_(loop, fcntl(child_.pidfd(), F_DUPFD_CLOEXEC, 3)) {
  fcntl(errors_.native_handle(), F_SETFL, O_NONBLOCK);
}

std::vector<Endpoint> SshCall::outer_endpoints() const {
  return io::outer_endpoints(child_.pid()).value_or(std::vector<Endpoint>{});
}

std::vector<Endpoint> SshCall::own_endpoints() const {
  std::vector<Endpoint> remote;
  const auto connections = io::tcp_connections(child_.pid());
  if (!connections) return remote;
  for (const io::TcpConnection& connection : *connections) remote.push_back(connection.remote);
  return remote;
}

void SshCall::read_errors() {
  errors_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const asio::error_code& error) {
    if (error) return;
    std::array<char, 4096> buffer{};
    const ssize_t count = ::read(errors_.native_handle(), buffer.data(), buffer.size());
    if (count > 0) said_.append(buffer.data(), static_cast<std::size_t>(count));
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) errors_open_ = false;
    note_lines();
    if (errors_open_) return read_errors();
    check_end();
  });
}

void SshCall::note_lines() {
  for (std::size_t end = said_.find('\n', reported_); end != std::string::npos;
       end = said_.find('\n', reported_)) {
    std::string line = said_.substr(reported_, end - reported_);
    if (line.ends_with('\r')) line.pop_back();
    if (config::is_echo_of_connector(line, std::string_view{said_}.substr(0, reported_))) {
      said_.erase(reported_, end + 1 - reported_);
      continue;
    }
    reported_ = end + 1;
    if (!line.empty()) handlers_.said(line);
  }
  if (said_.size() <= kMostKept) return;
  const std::size_t surplus = said_.size() - kMostKept;
  said_.erase(0, surplus);
  reported_ -= std::min(reported_, surplus);
}

void SshCall::wait_end() {
  end_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const asio::error_code& error) {
    if (error) return;
    process_ended_ = true;
    // A ControlMaster or an agent it started may hold stderr open: what it said by now is what it said.
    if (errors_open_) {
      std::array<char, 4096> buffer{};
      ssize_t count = 0;
      while ((count = ::read(errors_.native_handle(), buffer.data(), buffer.size())) > 0) {
        said_.append(buffer.data(), static_cast<std::size_t>(count));
      }
      note_lines();
      errors_open_ = false;
      asio::error_code ignored;
      errors_.close(ignored);
    }
    check_end();
  });
}

void SshCall::check_end() {
  if (!process_ended_ || errors_open_ || !handlers_.ended) return;
  std::exchange(handlers_.ended, nullptr)();
}

}  // namespace isthmus::app
