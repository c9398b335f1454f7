// A monitor's way to what it has given up the rights for: a process that was made before it gave them up, and
// that starts engines and ssh from what it was told then.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "app/launch_request.h"
#include "app/monitor_reply.h"
#include "app/owner_setup.h"
#include "io/control_socket.h"
#include "io/fork_process.h"

namespace isthmus::app {

using EngineMain = std::function<int(io::EngineChannels)>;

class Launcher;

// A child of the launcher, which is killed with this object. The launcher has to live longer.
class Launched {
 public:
  Launched(Launcher& launcher, ChildId id, io::UniqueFd pidfd)
      : launcher_(&launcher), id_(id), pidfd_(std::move(pidfd)) {}
  Launched(Launched&&) noexcept = default;
  Launched& operator=(Launched&&) = delete;
  Launched(const Launched&) = delete;
  Launched& operator=(const Launched&) = delete;
  ~Launched();

  // Readable once it has ended.
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }
  // nullopt while it runs. Killed, where the launcher is gone, which took it along.
  [[nodiscard]] std::optional<io::ExitStatus> try_wait();
  void terminate();  // SIGTERM
  void kill();       // SIGKILL
  // Of an ssh: where it is connected to; nothing where that cannot be said.
  [[nodiscard]] LegEndpoints endpoints() const;
  // By this ssh a call stands.
  void note_reached();

 private:
  void ask(const LaunchRequest& request);

  Launcher* launcher_;
  ChildId id_;
  io::UniqueFd pidfd_;  // open until it has ended, or is another object's
};

class Launcher {
 public:
  // Forks, before any thread exists and before rights are given up.
  static Result<std::unique_ptr<Launcher>> start(const OwnerSetup& setup, const EngineMain& engine);

  struct Engine {
    Launched process;
    io::ControlConnection requests, events;
  };
  Result<Engine> start_engine();
  struct Ssh {
    Launched process;
    io::UniqueFd output, input, errors;  // our ends of its pipes
  };
  struct Dial {
    std::optional<Ssh> ssh;
    std::optional<config::SshDiagnosis> why_not;  // where there is none
  };
  // As the caller of this host and process.
  Result<Dial> dial(const session::HostId& host, const session::NodeId& node);
  // Its standard streams and its terminal are let go of.
  Result<void> leave_terminal();

 private:
  friend class Launched;
  explicit Launcher(io::LauncherProcess process) : process_(std::move(process)) {}
  template <typename T>
  Result<T> ask(const LaunchRequest& request);
  // The request is one that starts a child.
  template <typename T, typename Start>
  Result<T> start_child(Start request);
  // What has been started, and cannot be had, is not to run on.
  std::unexpected<Error> let_go(const Error& error);

  io::LauncherProcess process_;
  std::vector<io::UniqueFd> received_;  // with the last answer
  ChildId last_ = 0;
};

}  // namespace isthmus::app
