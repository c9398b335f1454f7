// The datagram path of a session: finds an address at which the peer answers, has it keyed, decides in each
// moment whether our packets go as datagrams or on the stream, and how large they may be; the peer decides
// for its own. docs/design/paths.md has its states and timers. Pure: events, counters and messages in;
// messages for VSNP, commands for the workers and actions for the shell out.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "esp/tunnel_event.h"
#include "keying/rekeyer.h"
#include "session/inflow.h"
#include "session/loss_meter.h"
#include "session/path_actions.h"
#include "session/path_candidates.h"
#include "session/path_health.h"
#include "session/path_mtu.h"
#include "session/path_options.h"
#include "session/path_probes.h"
#include "session/remote_move.h"

namespace isthmus::session {

class DatagramPath {
 public:
  // `random` must outlive the path; of a live session it is the system's.
  DatagramPath(PathOptions options, RandomSource& random);

  // --- Inputs. Each may queue messages, commands and actions.

  // A stream on which both ends understand datagrams (ppp::kDatagrams) carries the session, and its
  // predecessor no longer does.
  void stream_up(Instant now, PathFacts facts);
  void stream_down(Instant now);
  // On the same stream other networks were agreed on.
  void facts_changed(Instant now, PathFacts facts);
  // Whether a VSNP message is for hear().
  static bool takes(ConstBytes message);
  // An error tells why the message meant nothing; it is for the log.
  Result<void> hear(Instant now, ConstBytes message);
  void worker_event(Instant now, const esp::TunnelEvent& event);
  // ICMP says of a packet to `to` that no more than `size` fits; what it quotes of ours begins with `quoted`.
  void too_big(Instant now, const Endpoint& to, esp::Spi quoted, std::size_t size);
  // Addresses or routes of this machine have changed.
  void network_changed(Instant now, std::vector<IpAddress> own_addresses);
  // The MTU of the interface that leads to the peer; 1500 until told.
  void interface_mtu(Instant now, std::size_t mtu);
  // No more datagrams until the next stream_up().
  void close(Instant now);

  // The caller sleeps until next_deadline(), reads the workers' counters, and then calls advance().
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  void advance(Instant now, const PathCounts& counts);

  // --- Outputs, oldest first; each empties its queue.

  [[nodiscard]] std::vector<Bytes> take_messages() { return std::exchange(messages_, {}); }
  [[nodiscard]] std::vector<keying::WorkerCommand> take_commands() { return std::exchange(commands_, {}); }
  [[nodiscard]] std::vector<PathAction> take_actions() { return std::exchange(actions_, {}); }

  [[nodiscard]] PathStatus status() const;
  [[nodiscard]] const keying::Rekeyer& rekeyer() const { return rekeyer_; }

 private:
  void on(Instant now, const esp::EchoArrived& echo);
  void on(Instant now, const esp::ProbeArrived& probe);
  void on(Instant now, const esp::RemoteMoved& moved);
  void on(Instant now, const esp::LimitReached& limit);
  void on(Instant now, DatagramHello hello);
  void on(Instant now, const PathReport& report);
  void on(Instant now, const PathClose& close);
  void greet(Instant now);
  void say_hello();
  void answered(Instant now, const PathProbe& probe);
  void candidate_answered(Instant now, const Endpoint& candidate);
  void reply(Instant now, const Endpoint& from);
  void search_anew(Instant now);
  void take(Instant now, const Endpoint& remote);
  void move(Instant now);
  void lose(Instant now, std::string reason);
  void leave(Instant now, std::string reason);
  void set_remote(const Endpoint& remote);
  void probe(Instant now, PathProbe::Purpose purpose, const Endpoint& to, std::size_t size = 0);
  void probe_candidates(Instant now);
  void watch(Instant now);
  void check(Instant now);
  void follow_move(Instant now);
  void start_size(Instant now);
  void probe_size(Instant now);
  void suspect_size(Instant now);
  void report();
  void settle(Instant now);
  void carry(Way way, std::string reason);
  void drain();
  [[nodiscard]] bool may_probe(const Endpoint& to) const;
  [[nodiscard]] std::string why_not(Instant now) const;
  [[nodiscard]] bool is_size_unsettled(Instant now) const;
  [[nodiscard]] bool is_size_doubtful(Instant now) const;
  [[nodiscard]] std::optional<std::size_t> fitting_mtu() const;

  PathOptions options_;
  keying::Rekeyer rekeyer_;
  PathProbes probes_;
  PathFacts facts_;
  bool has_stream_ = false;
  bool is_closed_ = false;              // by either end, until the next stream
  bool is_greeted_ = false;             // the peer's first hello of this stream has come
  std::optional<DatagramHello> early_;  // it came before stream_up()
  std::optional<DatagramHello> peer_;   // what it said last, on whatever stream
  // The search for an address.
  std::vector<Endpoint> candidates_;
  std::vector<Endpoint> replied_;       // where probes of the peer's came from since the last tick
  std::optional<Endpoint> heard_from_;  // the last of them, ever
  std::map<Endpoint, int> echoes_;      // that came back, by where the probe went
  int echoes_wanted_ = 1;
  Instant eager_until_{}, probe_at_{}, probed_at_{};
  // The path, once there is an address that answers.
  std::optional<Endpoint> remote_, last_remote_;
  PathHealth health_;
  Inflow inflow_;
  PathMtu mtu_;
  RemoteMove move_;
  LossMeter loss_;
  std::size_t interface_mtu_ = 1500;
  Instant size_by_{};                // with less than the inner MTU in use the path is not taken sooner
  Instant active_at_{}, busy_at_{};  // something of ours went out, a packet did
  std::optional<Duration> round_trip_;
  Instant echo_at_{};                                      // a probe to remote_ came back
  Instant answered_at_{};                                  // that had gone out then
  Instant checked_at_{};                                   // a health probe went out
  bool is_check_due_ = false, is_size_suspected_ = false;  // in the next tick; of the size, too
  std::size_t next_worker_ = 0;
  // What was counted, and what the peer was told of it.
  PathCounts counts_;
  std::vector<PathReport::Received> told_, received_at_tick_;
  std::size_t largest_probe_ = 0;  // of the peer's, since the last report
  Instant tick_at_{};
  // What the shell was told.
  Way way_ = Way::kStream;
  std::string reason_;
  std::size_t inner_mtu_ = 0, outer_mtu_ = 0;
  std::vector<Bytes> messages_;
  std::vector<keying::WorkerCommand> commands_;
  std::vector<PathAction> actions_;
};

}  // namespace isthmus::session
