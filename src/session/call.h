// One stream and what is said on it: a PPP link, and over its VSNP the Hello and Answer of both ends, up to
// the point where both know enough to change their machines. Pure: events in, octets and CallEvents out.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/random_source.h"
#include "base/time.h"
#include "ppp/link.h"
#include "session/message.h"

namespace isthmus::session {

enum class CallId : std::uint32_t {};

// Who made the ssh connection: an outgoing call is ours.
enum class Direction : std::uint8_t { kOutgoing, kIncoming };

// What both ends have settled.
struct Agreement {
  std::optional<Hello> peer;              // empty: plain PPP, a peer that knows no prefixes
  std::vector<Prefix> accepted;           // the peer's prefixes, to be routed into the tunnel
  std::vector<Prefix> offered;            // ours that the peer accepted
  std::vector<Answer::Verdict> verdicts;  // the peer's, on all of our offers
  std::vector<Answer::Verdict> refusals;  // ours, of what the peer offered in vain
  std::optional<ppp::Ipv4Up> ipv4;
  std::optional<ppp::Ipv6Up> ipv6;
  std::string why_no_ipv4, why_no_ipv6;  // empty where the family is up, or was not tried
  std::uint16_t mtu = 1500;              // the largest packet the peer takes
  friend bool operator==(const Agreement&, const Agreement&) = default;
};

// Local policy's word on a peer.
struct Settlement {
  std::vector<Answer::Verdict> verdicts;  // one for each prefix the peer offers
  std::vector<Prefix> accepted;  // what follows from them, or the whole --accept for a plain PPP peer
  std::vector<Prefix> offers;    // ours: a called end decides after it heard what the caller wants
  ppp::NetworkOptions network;
  std::optional<Bye> refusal;     // then nothing else counts
  std::vector<std::string> plan;  // the lines for a plan_only caller
};

struct PeerHeard {
  std::optional<Hello> hello;
};  // to be answered with settle(); empty: a plain PPP peer
struct Agreed {};     // agreement() is whole; again after a renegotiation
struct Disagreed {};  // it no longer holds: the peer renegotiates
struct Heard {
  Message message;
};  // Ready, ProofReport or PlanReport
struct CallEnded {
  ppp::LinkEnd end;
  std::string reason;
  std::optional<Bye> bye;
};
using CallEvent =
    std::variant<PeerHeard, Agreed, Disagreed, Heard, CallEnded, ppp::LinkNote, ppp::FrameTrace>;

// Hello is repeated this often until it is answered, and this is how long we wait for the peer's.
inline constexpr Duration kHelloInterval = std::chrono::seconds{1};
inline constexpr Duration kHelloPatience = std::chrono::seconds{10};
// From settle(), or from a renegotiation, to the agreement: longer than PPP's own counters take (ten
// requests, three seconds apart), which say better what is amiss.
inline constexpr Duration kAgreementPatience = std::chrono::seconds{40};
// A peer that negotiates anew more often than this within kQuestionWindow, or asks as many new questions, is
// hung up on: each costs this machine more than the peer.
inline constexpr int kMaxQuestions = 20;
inline constexpr Duration kQuestionWindow = std::chrono::minutes{1};

class Call {
 public:
  // `ours.is_caller` follows from `direction`. `random` and `policy` must outlive the call.
  Call(CallId id, Direction direction, ppp::LinkOptions link, Hello ours, RandomSource& random,
       const ppp::AddressPolicy& policy);

  void start(Instant now);
  void receive(Instant now, ConstBytes stream, ppp::PacketSink& sink);
  void carrier_lost(Instant now);
  void settle(Instant now, Settlement settlement);
  void send(Instant now, const Message& message);
  void hang_up(Instant now, const Bye& bye);
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  void advance(Instant now);

  [[nodiscard]] CallId id() const { return id_; }
  [[nodiscard]] Direction direction() const { return direction_; }
  [[nodiscard]] bool is_agreed() const { return agreed_; }
  [[nodiscard]] bool is_plain() const { return is_plain_; }
  [[nodiscard]] const Agreement& agreement() const { return agreement_; }
  [[nodiscard]] ppp::Link& link() { return link_; }
  [[nodiscard]] const ppp::Link& link() const { return link_; }
  [[nodiscard]] std::vector<CallEvent> take_events();

 private:
  void follow_link(Instant now);
  void on(Instant now, ppp::LcpUp& up);
  void on(Instant now, ppp::Ipv4Up& up);
  void on(Instant now, ppp::Ipv4Down& down);
  void on(Instant now, ppp::Ipv6Up& up);
  void on(Instant now, ppp::Ipv6Down& down);
  void on(Instant now, ppp::VsncpUp& up);
  void on(Instant now, ppp::VsncpDown& down);
  void on(Instant now, ppp::ProtocolUnavailable& unavailable);
  void on(Instant now, ppp::VsnpMessage& message);
  void on(Instant now, ppp::PeerTerminates& terminates);
  void on(Instant now, ppp::LinkDown& down);
  void on(Instant now, ppp::LinkNote& note);
  void on(Instant now, ppp::FrameTrace& trace);
  void hear(Instant now, Hello hello);
  void hear(Answer answer);
  void say_hello(Instant now);
  void answer(Instant now);
  void end(ppp::LinkEnd how, const std::string& reason);
  void disagree(Instant now);
  void count_question(Instant now);
  void check_agreement();

  CallId id_;
  Direction direction_;
  ppp::Link link_;
  Hello ours_;
  Agreement agreement_;
  std::optional<Settlement> settlement_;
  std::optional<Bye> bye_;  // the last the peer said
  bool vsncp_up_ = false;
  bool is_plain_ = false;
  bool network_open_ = false;
  bool hello_said_ = false;
  bool answered_ = false;      // the peer's Answer came
  bool ipv4_settled_ = false;  // up, or known never to be
  bool ipv6_settled_ = false;
  bool agreed_ = false;
  bool hung_up_ = false;
  bool ended_ = false;
  std::optional<Instant> hello_again_;
  std::optional<Instant> hello_patience_;
  std::optional<Instant> agreement_patience_;
  Instant questions_since_{};
  int questions_ = 0;
  std::vector<CallEvent> events_;
};

}  // namespace isthmus::session
