// One association with a far network: over one call after another, and for a moment over two when both ends
// dial at once. Decides which call carries the packets, when to dial again, when to refuse traffic and when
// to give up. Pure: events in, octets and SessionActions out; docs/design/session.md has its states. Not
// thread-safe.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "session/backoff.h"
#include "session/call.h"
#include "session/send_queue.h"
#include "session/session_actions.h"
#include "session/session_options.h"

namespace isthmus::session {

class Session {
 public:
  // `random` and `policy` must outlive the session.
  Session(SessionOptions options, RandomSource& random, const ppp::AddressPolicy& policy);

  void begin(Instant now);  // dials, if this session does
  CallId add_call(Instant now, Direction direction);
  void dial_failed(Instant now, std::string reason);
  void receive(Instant now, CallId call, ConstBytes stream, PacketSink& sink);
  void carrier_lost(Instant now, CallId call);
  void carrier_progressed(Instant now, CallId call);
  void settle(Instant now, CallId call, Settlement settlement);
  void routes_ready(Instant now, Ready ready);
  void routes_failed(Instant now, std::string why);
  void probed(Instant now, ProofReport report);
  // A link, an address or a route of this machine: dial at once if that is due anyway.
  void network_changed(Instant now);
  void close(Instant now, const Bye& bye);

  [[nodiscard]] std::optional<Instant> next_deadline() const;
  void advance(Instant now);

  // --- Datagrams beside the stream, where the shell has workers and a socket for them.

  // Whether the peer of the current call understands them.
  [[nodiscard]] bool takes_datagrams() const;
  // To be called at each Establish, before routes_ready(). The role in `options` is not looked at: the caller
  // is whoever made the current call.
  void use_datagrams(Instant now, PathOptions options, PathFacts facts);
  void worker_event(Instant now, const esp::TunnelEvent& event);
  // ICMP says that packets of `size` to `to` are too big; its quote begins with `quoted`.
  void too_big(Instant now, const Endpoint& to, esp::Spi quoted, std::size_t size);
  void own_addresses_changed(Instant now, std::vector<IpAddress> addresses);
  void interface_mtu(Instant now, std::size_t mtu);
  // The workers' counters, as late as possible before advance().
  void counted(PathCounts counts) { path_counts_ = std::move(counts); }
  // Nothing before use_datagrams().
  [[nodiscard]] const DatagramPath* datagrams() const { return datagrams_ ? &*datagrams_ : nullptr; }

  [[nodiscard]] std::optional<CallId> current() const;  // on whose stream packets can be sent
  // A packet waits its turn, maybe as part of a super-packet. Dropped where no call stands, or the way is
  // kNowhere.
  void enqueue(Instant now, const Packet& packet);
  // Packets of the queue become octets of the current call, as many as its stream should be given, and of at
  // most `room` octets, which is what the carrier still takes.
  void pump(Instant now, std::size_t room);
  [[nodiscard]] Traffic traffic() const;
  // What is known of the current stream; nothing while it is not measured.
  [[nodiscard]] const StreamWindow* stream() const;
  // As Link::take_octets().
  void take_octets(CallId call, Bytes& out);
  [[nodiscard]] Bytes take_octets(CallId call);
  [[nodiscard]] std::vector<SessionAction> take_actions();

  [[nodiscard]] Phase phase() const { return phase_; }
  [[nodiscard]] const Call* find(CallId call) const;
  [[nodiscard]] const Agreement* agreement() const;
  void trace_frames(bool on);

 private:
  void follow(Instant now, CallId id);
  void on(Instant now, Call& call, PeerHeard& heard);
  void on(Instant now, Call& call, Agreed& agreed);
  void on(Instant now, Call& call, Disagreed& disagreed);
  void on(Instant now, Call& call, Heard& heard);
  void on(Instant now, Call& call, DatagramsHeard& heard);
  void on(Instant now, Call& call, CallEnded& ended);
  void on(Instant now, Call& call, ppp::LinkNote& note);
  void on(Instant now, Call& call, ppp::FrameTrace& trace);
  void hear(Instant now, const Ready& ready);
  void hear(Instant now, ProofReport report);
  void hear(PlanReport report);
  void tell_plan();
  void establish(Instant now, Call& call);
  void leave(Instant now, Call& loser);
  void lose_current(Instant now, const std::string& reason);
  void suspend(Instant now, const std::string& reason);
  void take_stream_from_datagrams(Instant now);
  void drop_datagrams(Instant now);
  void hear_of_datagrams(Instant now, ConstBytes message);
  void hear_early(Instant now);
  void follow_datagrams(Instant now);
  void follow_way(Instant now, const Carry& carry);
  void forget(Instant now, CallId id, const CallEnded& ended);
  void after_loss(Instant now, const CallEnded& ended);
  void end(EndReason reason, std::string text);
  void begin_proof(Instant now);
  void finish_proof();
  [[nodiscard]] bool outgoing_in_progress() const;
  [[nodiscard]] Call* survivor(Call& one, Call& other) const;

  SessionOptions options_;
  RandomSource* random_;
  const ppp::AddressPolicy* policy_;
  Backoff backoff_;
  Phase phase_ = Phase::kIdle;
  std::map<CallId, Call> calls_;
  std::uint32_t next_call_ = 1;
  std::optional<CallId> current_;
  Agreement established_;  // of the current call; kept while it is negotiated anew
  bool ever_up_ = false;
  Instant dialled_at_{};
  bool dialing_ = false;  // Dial was asked, neither add_call nor dial_failed came yet
  bool tracing_ = false;
  std::optional<Instant> dial_at_, hold_until_, close_by_;
  std::optional<Instant> pump_at_;   // the stream takes more of what waits
  std::optional<Instant> agree_by_;  // the current call is being negotiated anew
  // The proof of the current agreement.
  bool routes_ready_ = false;
  Ready ours_ready_;
  std::optional<Ready> theirs_ready_;
  std::optional<ProofReport> our_report_, their_report_;
  std::optional<Instant> proof_by_;
  std::vector<std::string> plan_lines_;
  bool is_plan_whole_ = false;
  // Their keys outlive a stream, and packets go on as datagrams while the next one is made.
  std::optional<DatagramPath> datagrams_;
  std::optional<CallId> datagrams_call_;       // whose stream they have
  keying::Role role_ = keying::Role::kCaller;  // of datagrams_
  Way way_ = Way::kStream;
  PathCounts path_counts_;
  std::vector<std::pair<CallId, Bytes>> early_;  // heard before the call stood, or before use_datagrams()
  SendQueue queue_;
  Traffic traffic_;
  std::vector<SessionAction> actions_;
};

}  // namespace isthmus::session
