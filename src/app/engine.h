// What reads a peer's octets, in a process of its own that may do nothing else (io/sandbox.h): it joins the
// pure Session to streams, the TUN interface and the clock, and asks its monitor for whatever is done to the
// machine. Behind both `up` and the far side of `attach` is one of these.
#pragma once

#include <asio/io_context.hpp>
#include <map>
#include <memory>
#include <optional>

#include "app/control_message.h"
#include "app/leg.h"
#include "app/monitor_client.h"
#include "app/monitor_event.h"
#include "app/owner_setup.h"
#include "app/prover.h"
#include "app/session_datagrams.h"
#include "app/session_state.h"
#include "app/tun_pump.h"
#include "app/tunnel_mtu.h"
#include "io/boot_timer.h"
#include "io/fork_process.h"
#include "io/log.h"
#include "io/netlink_monitor.h"
#include "io/system_random.h"
#include "session/session.h"

namespace isthmus::app {

class Engine {
 public:
  // Waits until the monitor says that it may begin, and enters the sandbox: nothing was read before that.
  static Result<std::unique_ptr<Engine>> open(asio::io_context& loop, OwnerSetup setup,
                                              io::EngineChannels channels);
  // Runs the loop until the session has ended and everything is undone.
  config::ExitCode run();

 private:
  Engine(asio::io_context& loop, OwnerSetup setup, MonitorClient monitor, io::ControlConnection events,
         const Begun& begun, io::NetlinkMonitor network);
  Result<void> arm();
  void wait_events();
  void wait_network();
  void on(const Signalled& signal, const std::vector<io::UniqueFd>& fds);
  void on(const StreamArrived& arrived, std::vector<io::UniqueFd> fds);
  void on(const Asked& asked, std::vector<io::UniqueFd> fds);
  void on(const SshEnded& ended, const std::vector<io::UniqueFd>& fds);
  void yield_to(const std::string& session);

  // After every event: actions out of the session, octets out to the streams, the next deadline.
  void turn();
  void flush();
  void set_timer();
  void look_soon(Instant now);
  void put_back(Instant now);
  void on_time();

  void on(session::Dial&);
  void on(session::HangUp& hang_up);
  void on(session::Judge& judge);
  void on(session::Establish& establish);
  void on(session::Suspend& suspend);
  void on(session::Resume&);
  void on(session::Prove& prove);
  void on(session::Proven& proven);
  void on(session::PlanArrived& plan);
  void on(session::Ended& ended);
  void on(keying::WorkerCommand& command);
  void on(session::Carry& carry);
  void on(session::SetInnerMtu& set);
  void on(session::Said& said);
  void on(ppp::FrameTrace& trace);

  Result<void> add_leg(LegId id, Leg leg, io::UniqueFd in, io::UniqueFd out);
  void begin_call(LegId id);
  void received(LegId id, ConstBytes octets);
  void stream_lost(LegId id, const std::string& why);
  void ssh_ended(LegId id);
  void retire(LegId id);
  void drop(LegId id);
  std::optional<LegId> leg_of(session::CallId call) const;
  OuterPath outer_of(LegId id, const Leg& leg);
  void diagnose_ssh(Leg& leg);

  Result<void> join(const session::Agreement& agreement, LegId id);
  Result<void> open_tunnel(int mtu);
  void let_go_of_terminal();
  void tell_joined(const session::Agreement& agreement, const RoutePlan& plan);
  int agree_mtu(const session::Agreement& agreement);
  void follow_mtu(Instant now);
  void look_at_network();
  void warn_of_text_before(session::CallId id);
  session::Agreement foreseen(const session::Judge& judge, const session::Settlement& settlement) const;
  bool is_as_asked(const session::Agreement& agreement);
  bool is_joined_as_another();
  Result<HostFacts> facts_for(LegId leg, const session::Judge& judge, bool is_aside);
  std::vector<std::string> change_lines(const Site& site, const session::Agreement& agreement,
                                        const OuterPath& outer);
  std::vector<std::string> plan_lines(const Site& site, const session::Hello& hello,
                                      const session::Settlement& settlement, const OuterPath& outer);
  config::ExitCode exit_code_of(session::EndReason reason) const;
  void report_proof(const session::Proven& proven, const std::vector<std::string>& remedies);
  std::vector<std::string> remedies_for(const session::ProofReport& ours, const session::ProofReport* theirs);
  void finish(config::ExitCode code, const std::string& text);
  SessionState present_state() const;
  void save_state();
  void say_step(const std::string& name, const std::string& text);

  asio::io_context& loop_;
  OwnerSetup setup_;
  Begun begun_;
  MonitorClient monitor_;
  io::ControlConnection events_;
  io::NetlinkMonitor network_;
  asio::posix::stream_descriptor events_ready_, network_ready_;
  io::Log log_;
  io::SystemRandom random_;
  std::optional<io::BootTimer> timer_;
  std::unique_ptr<Prover> prover_;
  std::optional<session::Session> session_;
  std::map<LegId, Leg> legs_;
  std::vector<io::ControlConnection> waiting_for_end_;  // each a `down`
  std::shared_ptr<TunPump> tunnel_;
  std::uint32_t tunnel_index_ = 0;
  std::optional<SessionDatagrams> datagrams_;
  TunnelMtu mtu_;
  Selector selector_;
  std::optional<std::uint64_t> interface_id_;  // as agreed on first
  Bytes octets_;                               // on their way from a call to its stream
  std::optional<session::Ready> ready_;
  std::optional<session::Hello> peer_;
  SessionState state_;
  std::optional<config::SshDiagnosis> diagnosis_;  // of the last outgoing call that failed
  std::optional<Instant> put_back_at_, linger_until_, sign_at_;
  Duration put_back_again_{};
  std::string not_put_back_;  // as it was told last
  std::string waiting_for_ = "ssh";
  int interrupts_ = 0, signal_ = 0;
  bool is_over_ = false, in_turn_ = false;
  config::ExitCode exit_code_{}, plan_code_{};  // kOk; the latter: whether `up` would do what was planned
  std::string exit_text_;
};

}  // namespace isthmus::app
