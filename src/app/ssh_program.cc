#include "app/ssh_program.h"

#include "base/time.h"
#include "io/invoking_user.h"
#include "io/program_access.h"
#include "io/run_program.h"

namespace isthmus::app {
namespace {

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

Result<io::ChildProcess> start_ssh(const config::SshCommand& command) {
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
  return io::ChildProcess::start(options);
}

}  // namespace isthmus::app
