// One stream and what is said on it: a PPP link, and over its VSNP the Hello and Answer of both ends, up to
// the point where both know enough to change their machines. Pure: events in, octets and CallEvents out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/random_source.h"
#include "base/time.h"
#include "ppp/link.h"
#include "ppp/vsncp.h"
#include "session/call_events.h"
#include "session/stream_meter.h"

namespace isthmus::session {

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

// A peer that answers no echo for so long is measured no more until it does: the stream's own backlog is the
// bound then. A window that reports leave closed for so long is asked for by an echo.
inline constexpr Duration kEchoPatience = std::chrono::seconds{3};

class Call {
 public:
  // `link` has our capabilities, `ours.is_caller` follows from `direction`. `random` and `policy` must
  // outlive the call.
  Call(CallId id, Direction direction, ppp::LinkOptions link, Hello ours, RandomSource& random,
       const ppp::AddressPolicy& policy);

  void start(Instant now);
  void receive(Instant now, ConstBytes stream, PacketSink& sink);
  void carrier_lost(Instant now);
  void settle(Instant now, Settlement settlement);
  void send(Instant now, const Message& message);
  // One message of the datagram path, as it is to be on the wire.
  void send_of_datagrams(Instant now, ConstBytes message);
  void hang_up(Instant now, const Bye& bye);
  // Queues a packet for the stream; false if the peer takes none of its family, size or kind.
  bool send_packet(Instant now, const Packet& packet);
  // As StreamMeter's.
  [[nodiscard]] bool is_open(Instant now) const { return meter_.is_open(now); }
  [[nodiscard]] std::optional<Instant> opens_at(Instant now) const { return meter_.opens_at(now); }
  void left_open() { meter_.left_open(); }
  // The longest super-packet to send; 0 where the peer takes none.
  [[nodiscard]] std::size_t largest_super_packet() const;
  [[nodiscard]] const StreamMeter& meter() const { return meter_; }
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  void advance(Instant now);

  [[nodiscard]] CallId id() const { return id_; }
  [[nodiscard]] Direction direction() const { return direction_; }
  [[nodiscard]] bool is_agreed() const { return agreed_; }
  // Both ends understand the messages of the datagram path.
  [[nodiscard]] bool takes_datagrams() const { return has(ppp::kDatagrams); }
  [[nodiscard]] bool is_plain() const { return is_plain_; }
  [[nodiscard]] const Agreement& agreement() const { return agreement_; }
  [[nodiscard]] ppp::Link& link() { return link_; }
  [[nodiscard]] const ppp::Link& link() const { return link_; }
  [[nodiscard]] std::vector<CallEvent> take_events();

 private:
  class Inbound;

  void follow_link(Instant now);
  void report_if_due(Instant now);
  void measure_by_echo();
  void ask(Instant now);
  void lose_patience(Instant now);
  void ask_if_due(Instant now);
  void hear_echo(Instant now);
  void stop_measuring();
  [[nodiscard]] bool carries(std::optional<Family> family) const;
  [[nodiscard]] bool has(std::uint32_t capability) const { return (capabilities_ & capability) != 0; }
  [[nodiscard]] std::optional<Instant> report_deadline() const {
    return has(ppp::kReceiveReports) ? meter_.next_deadline() : std::nullopt;
  }
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
  std::uint32_t announced_;  // our capabilities
  ppp::Link link_;
  StreamMeter meter_;
  std::uint32_t capabilities_ = 0;  // both ends'
  bool measures_by_echo_ = false;
  // Octets queued before the last Echo-Request of ours that measures, and before the last that was answered.
  std::uint64_t asked_at_ = 0, answered_at_ = 0;
  std::optional<Instant> echo_patience_;
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
