#include <fmt/format.h>

#include <cstdio>

#include "app/commands/commands.h"
#include "app/control_message.h"
#include "app/session_state.h"
#include "io/control_socket.h"
#include "io/host_applier.h"
#include "io/pidfd.h"

namespace isthmus::app {
namespace {

using config::ExitCode;

constexpr Duration kPatience = std::chrono::seconds{15};
// After everything was undone: the last octets may still be on their way through ssh.
constexpr std::chrono::seconds kGoingPatience{5};

// Asks the session's owner to end, and waits until it has undone everything and is gone: only then may
// another session have this one's name.
ExitCode end_session(const io::RuntimeDir& dir, const std::string& session) {
  const auto path = dir.file_of(session, "sock");
  if (!path) return ExitCode::kNotUp;
  Result<io::ControlConnection> owner = io::ControlConnection::connect(path->string());
  if (!owner) return ExitCode::kNotUp;
  const Result<io::PeerCredentials> process = owner->peer();
  const io::UniqueFd pidfd = process ? io::open_pidfd(process->pid) : io::UniqueFd{};
  const Result<void> sent = owner->send(encode(DownRequest{}));
  Result<io::ControlMessage> answer = sent ? owner->receive_within(kPatience) : std::unexpected(sent.error());
  const Result<ControlReply> reply = answer ? decode_reply(answer->payload) : std::unexpected(answer.error());
  if (!reply) {
    complain(fmt::format("session {} did not end: {}", session, reply.error().message));
    return ExitCode::kFailed;
  }
  if (pidfd.is_open()) io::ends_within(pidfd.get(), kGoingPatience);
  if (reply->exit_code != 0) {
    complain(fmt::format("session {} is down, but not everything could be undone: {}", session, reply->text));
    return ExitCode::kLeftovers;
  }
  std::puts(fmt::format("session {} is down, everything is undone", session).c_str());
  return ExitCode::kOk;
}

// What was left may have been undone since.
bool is_anything_left(const io::RuntimeDir& dir) {
  const auto left = io::HostApplier::leftovers(dir);
  return !left || !left->empty();
}

}  // namespace

ExitCode run_down(const config::DownCommand& command) {
  if (!is_root("ending a session undoes changes of interfaces and routes, and needs root: run it with sudo"))
    return ExitCode::kNotRoot;
  const Result<io::RuntimeDir> dir = io::RuntimeDir::open();
  if (!dir) {
    complain(dir.error().message);
    return ExitCode::kFailed;
  }
  ExitCode code = ExitCode::kNotUp;
  const auto records = io::Journal::read_all(*dir).value_or(std::vector<io::SessionRecord>{});
  for (const io::SessionRecord& record : records) {
    const bool is_meant = !command.name || *command.name == record.session;
    if (!is_meant || !record.is_alive) continue;
    const ExitCode ended = end_session(*dir, record.session);
    if (code == ExitCode::kNotUp || ended != ExitCode::kOk) code = ended;
  }
  const io::HostApplier::CleanupReport report = io::HostApplier::cleanup(*dir);
  for (const std::string& line : report.lines) std::puts(("cleaned up: " + line).c_str());
  for (const Error& failure : report.failures) complain(failure.message);
  if (!report.failures.empty()) return ExitCode::kLeftovers;
  if (code == ExitCode::kLeftovers && !is_anything_left(*dir)) return ExitCode::kOk;
  if (code != ExitCode::kNotUp) return code;
  if (!report.lines.empty()) return ExitCode::kOk;
  complain(command.name
               ? fmt::format("session {} is not up; `isthmus status` lists those that are", *command.name)
               : std::string{"no session is up"});
  return command.name ? ExitCode::kNotUp : ExitCode::kOk;
}

ExitCode run_cleanup(const config::CleanupCommand&) {
  if (!is_root("cleaning up undoes changes of interfaces and routes, and needs root: run it with sudo"))
    return ExitCode::kNotRoot;
  const Result<io::RuntimeDir> dir = io::RuntimeDir::open();
  if (!dir) {
    complain(dir.error().message);
    return ExitCode::kFailed;
  }
  const io::HostApplier::CleanupReport report = io::HostApplier::cleanup(*dir);
  for (const SessionState& state : read_states(*dir)) {
    const auto journal = dir->file_of(state.session, "journal");
    if (journal && !std::filesystem::exists(*journal)) remove_state(*dir, state.session);
  }
  for (const std::string& line : report.lines) std::puts(line.c_str());
  if (report.lines.empty()) std::puts("nothing was left behind");
  for (const Error& failure : report.failures) complain(failure.message);
  return report.failures.empty() ? ExitCode::kOk : ExitCode::kLeftovers;
}

}  // namespace isthmus::app
