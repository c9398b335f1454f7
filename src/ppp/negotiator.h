// Runs the automaton of RFC 1661 for one control protocol: restart timer, counters, identifiers, and the
// matching of replies to requests. Packets and events in, Outputs out. Not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "ppp/automaton.h"
#include "ppp/control_packet.h"
#include "ppp/option_policy.h"

namespace isthmus::ppp {

struct NegotiatorOptions {
  std::string name{};      // "LCP", for remarks
  Bytes vendor{};          // what every packet's data begins with: the OUI of VSNCP, else empty
  int max_configure = 10;  // RFC 1661 section 4.6
  int max_terminate = 2;
  int max_failure = 5;
  Duration restart_interval = std::chrono::seconds{3};
  bool passive = false;  // the RFC's passive option: no This-Layer-Finished when nobody answers
  bool silent = false;   // wait in Stopped for the peer's first packet instead of sending a request
};

// The actions that concern other layers. kEchoReply is the table's `ser`, which only LCP can carry out.
enum class LayerSignal : std::uint8_t { kUp, kDown, kStarted, kFinished, kEchoReply };
// One control packet: the information field of a frame to send.
struct Send {
  Bytes information;
};
// What was asked, agreed, refused, in words.
struct Remark {
  std::string text;
};
using NegotiatorOutput = std::variant<LayerSignal, Send, Remark>;

enum class Receipt : std::uint8_t {
  kTaken,          // an event, or silently discarded as the RFC wants
  kForeignVendor,  // not for us: RFC 3772 section 2 asks for an LCP Protocol-Reject
};

class Negotiator {
 public:
  // `policy` must outlive the negotiator.
  Negotiator(NegotiatorOptions options, OptionPolicy& policy);

  // Administrative and lower-layer events. What the table forbids in a state is ignored (RFC 1661
  // section 4.4, Illegal-Event).
  void open(Instant now);
  void close(Instant now, std::string_view reason);  // the reason goes into the Terminate-Request
  void up(Instant now);
  void down(Instant now);
  // An Open with the RFC's restart option: Down and Up again, wherever that means something.
  void renegotiate(Instant now);
  // The peer protocol-rejected us: RXJ-.
  void protocol_rejected(Instant now);
  // The same, for a protocol of which not one more packet may go out (RFC 1661 section 5.7): Closed, without
  // the Terminate-Request of RXJ-.
  void fall_silent(Instant now);
  // An Echo-Request came: RXR.
  void echo_requested(Instant now);

  // One packet of this protocol. Codes above 7 are unknown here and code-rejected: LCP takes its own out
  // first.
  Receipt receive(Instant now, const ControlPacket& packet);

  [[nodiscard]] std::optional<Instant> next_deadline() const { return deadline_; }
  void advance(Instant now);

  [[nodiscard]] std::vector<NegotiatorOutput> take_outputs();  // oldest first; empties the queue

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool is_opened() const { return state_ == State::kOpened; }
  // Initial or Closed: there was no Open, or a Close has done its work.
  [[nodiscard]] bool is_closed() const { return state_ == State::kInitial || state_ == State::kClosed; }
  [[nodiscard]] bool is_stopped() const { return state_ == State::kStopped; }
  // Between the first request and Opened.
  [[nodiscard]] bool is_negotiating() const { return state_ >= State::kReqSent && state_ < State::kOpened; }
  // Why the last negotiation ended without agreement; empty if it did not.
  [[nodiscard]] const std::string& failure() const { return failure_; }
  // That was because no answer came. In Stopped a request of the peer starts another negotiation.
  [[nodiscard]] bool has_timed_out() const { return has_timed_out_; }
  // That was because the policy refused what the peer asked for again and again.
  [[nodiscard]] bool has_refused() const;
  // Codes above 7 that the peer code-rejected: they must not be sent any more (RFC 1661 section 4.3).
  [[nodiscard]] bool is_code_rejected(Code code) const;
  // An identifier for a packet of a code above 7, different from the one before.
  std::uint8_t fresh_identifier() { return ++identifier_; }
  void set_peer_mru(std::uint16_t mru) { peer_mru_ = mru; }  // bounds Code-Reject and Terminate-Request

 private:
  struct Reply {
    Code code = Code::kConfigureAck;
    Bytes options;
  };
  // What the actions answer.
  struct Cause {
    std::uint8_t identifier = 0;
    Reply reply;
    Bytes quoted;  // the packet to code-reject
  };

  void raise(Instant now, Event event) { raise(now, event, Cause{}); }
  void raise(Instant now, Event event, const Cause& cause);
  void apply(Instant now, const Transition& cell, const Cause& cause);
  void act(Instant now, Act act, const Cause& cause);
  void signal(LayerSignal signal);
  void initialize_restart_count();
  void start_timer(Instant now);
  void begin_negotiation();
  void give_up(Instant now, std::string reason);
  void configure_request(Instant now, std::uint8_t identifier, ConstBytes data);
  void configure_reply(Instant now, Code code, std::uint8_t identifier, ConstBytes data);
  void refusal(Instant now, Code code, const std::vector<Option>& options);
  void code_reject(Instant now, ConstBytes quoted);
  void unknown_code(Instant now, const ControlPacket& packet);
  Reply judge(const std::vector<Option>& request);
  Reply compose(const std::vector<Option>& request, const std::vector<Judgement>& judgements);
  void send_request(Instant now);
  void send(Code code, std::uint8_t identifier, ConstBytes data);
  void remark(std::string_view what, const std::vector<Option>& options);
  [[nodiscard]] std::string list(const std::vector<Option>& options) const;
  [[nodiscard]] std::size_t room() const;

  NegotiatorOptions options_;
  OptionPolicy& policy_;
  State state_ = State::kInitial;
  std::optional<Instant> deadline_;  // the Restart timer
  int restart_count_ = 0;
  int naks_sent_ = 0;      // without an Ack between them
  int refusals_sent_ = 0;  // Naks and Rejects, likewise
  int naks_received_ = 0;  // likewise
  std::uint8_t identifier_ = 0;
  std::uint8_t request_identifier_ = 0;
  Bytes request_;            // options of the last Configure-Request
  bool is_answered_ = true;  // a valid reply to it came
  bool is_heard_ = false;    // a packet of this protocol ever came
  std::uint16_t peer_mru_ = 1500;
  std::uint32_t rejected_codes_ = 0;  // bit n: code n
  std::string close_reason_;
  std::string failure_;
  bool has_timed_out_ = false;
  std::vector<NegotiatorOutput> outputs_;
};

}  // namespace isthmus::ppp
