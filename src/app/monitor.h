// The privileged part of a session: it alone changes this machine, opens interfaces and sockets, and hears
// who knocks at the control socket. What a peer sent it never reads; its engine does, and asks it for values
// that it holds against local policy (app/engine_rules.h). Engines and ssh are its launcher's to start.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/signal_set.hpp>
#include <map>
#include <memory>
#include <optional>

#include "app/applied_routes.h"
#include "app/control_message.h"
#include "app/engine_rules.h"
#include "app/launcher.h"
#include "app/monitor_event.h"
#include "app/monitor_reply.h"
#include "app/monitored_leg.h"
#include "app/owner_setup.h"
#include "app/session_state.h"
#include "io/boot_timer.h"
#include "io/confinement.h"
#include "io/log.h"

namespace isthmus::app {

class Monitor {
 public:
  // Of the whole process, while it has one thread.
  enum class Rights : std::uint8_t {
    kFew,  // the others are given up for good (io/confinement.h)
    kAll,  // for a test that is to go on
  };
  // Starts the launcher, takes the session's name and slot, and starts the first engine. kExists if a session
  // of this name lives.
  static Result<std::unique_ptr<Monitor>> open(asio::io_context& loop, io::RuntimeDir dir, OwnerSetup setup,
                                               const EngineMain& engine, Rights rights);
  ~Monitor();

  // The called end's first stream, as an AttachRequest brought it.
  void attach(io::ControlConnection front, const AttachRequest& request, std::vector<io::UniqueFd> fds);
  // Until the engine has ended and everything is undone. An engine that dies is followed by another, as long
  // as that does not become a habit; after the last its routes stay suspended: what was accepted is refused.
  config::ExitCode run();

 private:
  struct Answer {
    Bytes octets;
    std::vector<io::UniqueFd> fds;
  };
  struct Client {  // before its request
    io::ControlConnection socket;
    asio::posix::stream_descriptor readable;
  };
  struct Channels {
    Channels(asio::io_context& loop, Launcher::Engine started)
        : engine(std::move(started)), requests(loop), end(loop) {}
    Launcher::Engine engine;
    asio::posix::stream_descriptor requests, end;
  };

  Monitor(asio::io_context& loop, OwnerSetup setup, std::unique_ptr<Launcher> launcher, io::RuntimeDir dir,
          AppliedRoutes routes, io::ControlListener listener);
  Result<void> begin(Rights rights);
  Result<void> confine();
  Result<void> start_engine();
  void wait_requests();
  void wait_engine_end();
  void engine_ended(const io::ExitStatus& status);
  bool may_start_again();
  void give_up(const std::string& why);
  void wait_signals();
  void wait_control();
  void hear(const std::shared_ptr<Client>& client);
  void obey(io::ControlConnection socket, const ControlRequest& request, std::vector<io::UniqueFd> fds);
  Result<void> admit(const AttachRequest& request) const;
  bool tell(const MonitorEvent& event, std::vector<int> fds = {});
  void want_end();
  void serve_one();
  Answer answer(io::ControlMessage message);
  static Answer answer_with(Result<Answer> done);
  Answer on(const ReadFacts&);
  Answer on(const ReadFirewall&);
  Answer on(const LookForRivals& request);
  Answer on(const FindTwin& request);
  Answer on(const AskEndpoints& request);
  Answer on(const ReadOuter& request);
  Answer on(const Judged& request);
  Answer on(const Join& request);
  Answer on(const Suspend&);
  Answer on(const Resume&);
  Answer on(const PutBack&);
  Answer on(const Undo&);
  Answer on(const OpenTunnel& request);
  Answer on(const ChangeMtu& request);
  Answer on(const OpenSockets& request);
  Answer on(const DialSsh&);
  Answer on(const EndLeg& request);
  Answer on(const PassOn& request);
  Answer on(const Note& note);
  Answer on(const TellProven& request);
  Result<HostFacts> read_facts() const;
  void forget(const SessionState& session, HostFacts& facts) const;
  Result<void> judge(const Judged& request);
  [[nodiscard]] bool has_interface();
  Result<std::vector<std::string>> read_outer(const std::string& session);
  Result<void> join(const Join& request);
  Result<Answer> open_tunnel(const OpenTunnel& request);
  Result<Answer> open_sockets(const OpenSockets& request);
  Result<Answer> dial();
  Result<std::vector<io::UniqueFd>> take_ssh(LegId id, Launcher::Ssh ssh);
  void wait_ssh(LegId id);
  MonitoredLeg* find(LegId id);
  void note_far_end(const MonitoredLeg& leg);
  [[nodiscard]] bool ask_to_yield(const SessionState& other) const;
  Result<void> pass_on(const PassOn& request);
  void save_state();

  asio::io_context& loop_;
  OwnerSetup setup_;
  std::unique_ptr<Launcher> launcher_;  // of the processes below
  io::RuntimeDir dir_;
  io::Restricted confinement_;
  io::Log log_;
  AppliedRoutes routes_;
  io::ControlListener listener_;
  asio::posix::stream_descriptor listener_ready_;
  asio::signal_set signals_;
  std::optional<Channels> channels_;
  std::optional<EngineRules> rules_;  // of the present engine
  session::HostId host_{};
  session::NodeId node_{};  // of the present engine
  std::map<LegId, MonitoredLeg> legs_;
  LegId next_leg_ = 1;
  std::vector<std::shared_ptr<Client>> clients_;
  std::vector<io::UniqueFd> passed_;  // with the request that is being answered
  std::string interface_;             // of the present engine's tunnel
  std::vector<SessionState> going_;   // sessions that give way to this one
  std::optional<std::pair<std::string, io::ControlConnection>> successor_;  // whom this one may give way to
  std::optional<io::BootTimer> patience_;                                   // with an engine that is to end
  std::optional<std::uint16_t> port_;
  SessionState state_;
  std::vector<Instant> dials_, deaths_;  // of engines; the newest of both
  int engines_ = 0, interrupts_ = 0;
  bool is_undone_ = false, is_proven_ = false, is_interface_up_ = false, is_end_wanted_ = false;
  config::ExitCode exit_code_{};
};

}  // namespace isthmus::app
