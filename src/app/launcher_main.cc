#include "app/launcher_main.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <concepts>
#include <map>
#include <utility>

#include "app/dialler.h"
#include "app/host_id.h"
#include "app/ssh_program.h"
#include "base/guard.h"
#include "io/daemonize.h"
#include "io/outer_endpoint.h"

namespace isthmus::app {
namespace {

// An engine, and a few calls: what a monitor of ours has at a time.
constexpr std::size_t kMostChildren = 16;

struct Reply {
  Bytes octets;
  std::vector<io::UniqueFd> fds;
};

LegEndpoints endpoints_of(pid_t ssh) {
  LegEndpoints endpoints;
  endpoints.outer = io::outer_endpoints(ssh).value_or(std::vector<Endpoint>{});
  const auto connections = io::tcp_connections(ssh);
  if (!connections) return endpoints;
  for (const io::TcpConnection& connection : *connections) endpoints.own.push_back(connection.remote);
  return endpoints;
}

Reply refusal(const std::string& what) {
  return {encode_reply<void>(fail(Error::Code::kRefused, what)), {}};
}

template <typename T>
Reply answer_with(Result<T> result) {
  return {encode_reply(result), {}};
}

class LauncherSide {
 public:
  LauncherSide(const OwnerSetup& setup, const EngineMain& engine) : setup_(setup), engine_(engine) {}

  Reply serve(const LaunchRequest& request);

 private:
  using Children = std::map<ChildId, io::ChildProcess>;
  Reply on(const StartEngine& request);
  Reply on(const StartSsh& request);
  Reply on(const LookAtSsh&, Children::iterator child);
  Reply on(const Reached&, Children::iterator child);
  Reply on(const AskEnd&, Children::iterator child);
  Reply on(const Terminate&, Children::iterator child);
  Reply on(const Kill&, Children::iterator child);
  Reply on(const Forget&, Children::iterator child);
  Reply keep(ChildId id, io::ChildProcess process, Reply reply);

  template <typename Start>
  Reply begin(const Start& request) {
    if (!guard<Guard::kLauncherChildren>(children_.size() < kMostChildren))
      return refusal("start a process: too many of this session run already");
    if (children_.contains(request.child)) return refusal("start a process: its number is another's");
    return on(request);
  }
  Reply serve_one(const StartEngine& request) { return begin(request); }
  Reply serve_one(const StartSsh& request) { return begin(request); }
  Reply serve_one(const LeaveTerminal&) { return answer_with(io::leave_terminal()); }
  template <std::derived_from<OfChild> Request>
  Reply serve_one(const Request& request) {
    const auto child = children_.find(request.child);
    if (child == children_.end())
      return refusal(fmt::format("process {} of this session: there is no such one", request.child));
    return on(request, child);
  }

  const OwnerSetup& setup_;
  const EngineMain& engine_;
  Dialler dialler_;
  Children children_;
};

Reply LauncherSide::serve(const LaunchRequest& request) {
  return std::visit([this](const auto& what) { return serve_one(what); }, request);
}

Reply LauncherSide::on(const StartEngine& request) {
  Result<io::EngineProcess> engine = io::fork_engine(engine_);
  if (!engine) return answer_with<void>(std::unexpected(engine.error()));
  Reply reply = answer_with<void>({});
  reply.fds.push_back(engine->requests.take_fd());
  reply.fds.push_back(engine->events.take_fd());
  return keep(request.child, std::move(engine->process), std::move(reply));
}

Reply LauncherSide::on(const StartSsh& request) {
  using WhyNot = std::optional<config::SshDiagnosis>;
  if (!guard<Guard::kLauncherDial>(setup_.dial.has_value()))
    return refusal("start ssh: this session is called");
  if (WhyNot why_not = dialler_.look(*setup_.dial)) return answer_with<WhyNot>(std::move(why_not));
  const config::Greeting greeting{config::greeting_name(machine_name()), request.host, request.node};
  const config::SshCommand command = dialler_.next_command(*setup_.dial, greeting);
  Result<io::ChildProcess> ssh = start_ssh(command);
  if (!ssh) {
    config::SshDiagnosis missing = config::diagnose_missing_ssh(command.argv.front());
    missing.what += ": " + ssh.error().message;
    return answer_with<WhyNot>(std::move(missing));
  }
  Reply reply = answer_with<WhyNot>(std::nullopt);
  reply.fds.push_back(ssh->take_output());
  reply.fds.push_back(ssh->take_input());
  reply.fds.push_back(ssh->take_errors());
  return keep(request.child, std::move(*ssh), std::move(reply));
}

// Before what else comes with the reply, a descriptor of the process.
Reply LauncherSide::keep(ChildId id, io::ChildProcess process, Reply reply) {
  io::UniqueFd pidfd{fcntl(process.pidfd(), F_DUPFD_CLOEXEC, 0)};
  if (!pidfd.is_open()) return answer_with<void>(fail_errno(errno, "hand a process over"));
  reply.fds.insert(reply.fds.begin(), std::move(pidfd));
  children_.emplace(id, std::move(process));
  return reply;
}

Reply LauncherSide::on(const LookAtSsh&, Children::iterator child) {
  return answer_with<LegEndpoints>(endpoints_of(child->second.pid()));
}

Reply LauncherSide::on(const Reached&, Children::iterator child) {
  dialler_.reached({io::outer_endpoints(child->second.pid()).value_or(std::vector<Endpoint>{}), {}});
  return answer_with<void>({});
}

Reply LauncherSide::on(const AskEnd&, Children::iterator child) {
  const std::optional<io::ExitStatus> end = child->second.try_wait();
  if (end) children_.erase(child);
  return answer_with<std::optional<io::ExitStatus>>(end);
}

Reply LauncherSide::on(const Terminate&, Children::iterator child) {
  child->second.terminate();
  return answer_with<void>({});
}

Reply LauncherSide::on(const Kill&, Children::iterator child) {
  child->second.kill();
  return answer_with<void>({});
}

Reply LauncherSide::on(const Forget&, Children::iterator child) {
  children_.erase(child);
  return answer_with<void>({});
}

}  // namespace

int launcher_main(io::ControlConnection requests, const OwnerSetup& setup, const EngineMain& engine) {
  LauncherSide side{setup, engine};
  for (;;) {
    const Result<io::ControlMessage> message = requests.wait();
    if (!message) return 0;
    const Result<LaunchRequest> request = decode_launch_request(bytes_of(message->payload));
    // Nothing of ours says such a thing.
    if (!request) return 1;
    const Reply reply = side.serve(*request);
    std::vector<int> fds;
    for (const io::UniqueFd& fd : reply.fds) fds.push_back(fd.get());
    if (!requests.send(text_of(reply.octets), fds)) return 1;
  }
}

}  // namespace isthmus::app
