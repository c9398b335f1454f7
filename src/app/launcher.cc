#include "app/launcher.h"

#include <chrono>
#include <csignal>
#include <tuple>
#include <utility>

#include "app/launcher_main.h"
#include "io/pidfd.h"

namespace isthmus::app {

Launched::~Launched() {
  if (pidfd_.is_open()) ask(Forget{{id_}});
}

std::optional<io::ExitStatus> Launched::try_wait() {
  constexpr io::ExitStatus kKilled{io::ExitStatus::Kind::kSignalled, SIGKILL};
  if (!io::ends_within(pidfd_.get(), std::chrono::milliseconds{0})) return std::nullopt;
  const auto end = launcher_->ask<std::optional<io::ExitStatus>>(AskEnd{{id_}}).value_or(kKilled);
  if (end) pidfd_.reset();
  return end;
}

void Launched::ask(const LaunchRequest& request) {
  std::ignore = launcher_->ask<void>(request);
}

void Launched::terminate() {
  ask(Terminate{{id_}});
}

void Launched::kill() {
  ask(Kill{{id_}});
}

void Launched::note_reached() {
  ask(Reached{{id_}});
}

LegEndpoints Launched::endpoints() const {
  return launcher_->ask<LegEndpoints>(LookAtSsh{{id_}}).value_or(LegEndpoints{});
}

Result<std::unique_ptr<Launcher>> Launcher::start(const OwnerSetup& setup, const EngineMain& engine) {
  io::LauncherProcess process = TRY(io::fork_launcher(
      [&](io::ControlConnection requests) { return launcher_main(std::move(requests), setup, engine); }));
  return std::unique_ptr<Launcher>{new Launcher{std::move(process)}};
}

template <typename T>
Result<T> Launcher::ask(const LaunchRequest& request) {
  const LaunchRequestOctets octets = encode_launch_request(request);
  TRY(process_.requests.send(text_of(octets)));
  io::ControlMessage answer = TRY(process_.requests.wait());
  received_ = std::move(answer.fds);
  return decode_reply_octets<T>(bytes_of(answer.payload));
}

template <typename T, typename Start>
Result<T> Launcher::start_child(Start request) {
  request.child = ++last_;
  Result<T> started = ask<T>(request);
  if (!started) return let_go(started.error());
  return started;
}

std::unexpected<Error> Launcher::let_go(const Error& error) {
  std::ignore = ask<void>(Forget{{last_}});
  return std::unexpected(error);
}

Result<Launcher::Engine> Launcher::start_engine() {
  TRY(start_child<void>(StartEngine{}));
  if (received_.size() != 3)
    return let_go({Error::Code::kProtocol, 0, "the engine's descriptors are missing"});
  return Engine{Launched{*this, last_, std::move(received_[0])},
                io::ControlConnection{std::move(received_[1])},
                io::ControlConnection{std::move(received_[2])}};
}

Result<void> Launcher::leave_terminal() {
  return ask<void>(LeaveTerminal{});
}

Result<Launcher::Dial> Launcher::dial(const session::HostId& host, const session::NodeId& node) {
  using WhyNot = std::optional<config::SshDiagnosis>;
  WhyNot why_not = TRY(start_child<WhyNot>(StartSsh{{}, host, node}));
  if (why_not) return Dial{std::nullopt, std::move(why_not)};
  if (received_.size() != 4) return let_go({Error::Code::kProtocol, 0, "ssh's descriptors are missing"});
  return Dial{Ssh{Launched{*this, last_, std::move(received_[0])}, std::move(received_[1]),
                  std::move(received_[2]), std::move(received_[3])},
              std::nullopt};
}

}  // namespace isthmus::app
