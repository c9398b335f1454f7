// The inside of ppp::Link: included by link*.cc alone.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "ppp/control_packet.h"
#include "ppp/hdlc_decoder.h"
#include "ppp/ipcp.h"
#include "ppp/ipv6cp.h"
#include "ppp/lcp.h"
#include "ppp/life_watch.h"
#include "ppp/link.h"
#include "ppp/negotiator.h"
#include "ppp/vsncp.h"

namespace isthmus::ppp {

// RFC 1661 section 6.1: 1500 octets are received in any case.
inline std::size_t longest_information(const LinkOptions& options) {
  return std::max(options.mru, kDefaultMru);
}

class Link::State {
 public:
  State(LinkOptions options, RandomSource& random, const AddressPolicy& policy);
  // The negotiators refer to the policies beside them.
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // link_state.cc: phases, layers, time.
  void carrier_up(Instant now);
  void carrier_down(Instant now);
  void open_network(Instant now, NetworkOptions options);
  void close(Instant now, std::string_view reason);
  void renegotiate(Instant now);
  void carrier_progressed(Instant now);
  void advance(Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  // link_frames.cc: what comes and goes.
  void receive(Instant now, ConstBytes stream, LinkSink& sink);
  bool send_packet(Instant now, Family family, ConstBytes packet);
  bool send_vsnp(Instant now, ConstBytes head, ConstBytes body);
  bool send_echo(std::uint64_t token);

  HdlcDecoder decoder;
  LinkCounters counters;
  Bytes octets;                    // frames to be sent
  std::uint64_t octets_taken = 0;  // sent before those
  std::uint64_t octets_received = 0;
  std::vector<LinkAction> actions;    // for the caller
  std::optional<std::uint64_t> echo;  // the token of the last Echo-Reply
  bool traces = false;

 private:
  // One network control protocol and the protocol it is for.
  struct Ncp {
    Protocol control;
    Protocol data;
    bool is_wanted = false;                  // false: its packets are protocol-rejected
    std::optional<Negotiator> negotiator{};  // empty until opened
    bool is_up = false;
    std::optional<std::string> unavailable{};  // why it never will be
    Bytes held_request{};                      // the peer's last Configure-Request before open_network()
  };
  enum Place : std::size_t { kIpcpPlace, kIpv6cpPlace, kVsncpPlace };

  void make_network(const NetworkOptions& options);
  void replay_held(Instant now, Ncp& ncp);
  NegotiatorOptions negotiator_options(std::string name) const;

  void settle(Instant now);
  bool settle_once(Instant now);
  void on_lcp(Instant now, const NegotiatorOutput& output);
  void lcp_signal(Instant now, LayerSignal signal);
  void lcp_up(Instant now);
  void lcp_down(Instant now);
  void on_ncp(Instant now, Ncp& ncp, const NegotiatorOutput& output);
  void ncp_signal(Instant now, Ncp& ncp, LayerSignal signal);
  void ncp_up(Instant now, Ncp& ncp);
  void ncp_down(Ncp& ncp);
  Result<LinkAction> agreement(const Ncp& ncp) const;
  void make_unavailable(Instant now, Ncp& ncp, const std::string& reason);
  void close_if_nothing_left(Instant now);
  void tell_unavailable(const Ncp& ncp, const std::string& reason);
  void drop(Instant now, LinkEnd end, std::string reason);
  void plan_end(LinkEnd end, std::string reason);
  void finish();

  void on_frame(Instant now, const Frame& frame, LinkSink& sink);
  void dispatch(Instant now, const Frame& frame, LinkSink& sink);
  void receive_lcp(Instant now, const Frame& frame);
  void lcp_maintenance(Instant now, Code code, const ControlPacket& packet);
  void receive_magic(Instant now, Code code, const ControlPacket& packet);
  void receive_identification(const ControlPacket& packet);
  void receive_protocol_reject(Instant now, const ControlPacket& packet);
  void receive_control(Instant now, Ncp& ncp, const Frame& frame);
  void hold(Ncp& ncp, const ControlPacket& packet, ConstBytes information);
  void receive_data(Ncp& ncp, const Frame& frame, LinkSink& sink);
  void reject_protocol(const Frame& frame);
  Ncp* ncp_of(std::uint16_t protocol);
  void send_echo_request();
  void send_echo_reply();
  void send_identification();
  void send_lcp(Code code, std::uint8_t identifier, ConstBytes data);
  void send_frame(Protocol protocol, ConstBytes information);
  void count_sent(Protocol protocol, ConstBytes information);
  [[nodiscard]] bool has_long_messages() const;
  void count_dropped();
  void note(LinkNote::Level level, std::string text);

  LinkOptions options_;
  RandomSource& random_;
  const AddressPolicy& policy_;
  LcpPolicy lcp_policy_;
  Negotiator lcp_;
  std::optional<IpcpPolicy> ipcp_policy_;
  std::optional<Ipv6cpPolicy> ipv6cp_policy_;
  VsncpPolicy vsncp_policy_;
  std::array<Ncp, 3> ncps_;
  FramingOptions framing_;
  std::uint16_t peer_mru_ = kDefaultMru;
  std::optional<LifeWatch> watch_;  // while LCP is Opened
  ControlPacket echo_request_;      // being answered; a view that is valid while it is received
  bool is_identified_ = false;
  std::uint64_t beyond_mru_ = 0;         // frames that only a long message may be as long as
  int echo_sightings_ = 0;               // Echo-Replies in a row with our own magic number
  std::optional<LinkDown> planned_end_;  // why LCP is about to finish, once that is decided
  bool is_finished_ = false;             // LCP has; LinkDown follows when everything is settled
  bool is_over_ = false;                 // LinkDown was told
};

}  // namespace isthmus::ppp
