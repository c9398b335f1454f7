// What a Call tells its session, and what both ends settle with it.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ppp/link_actions.h"
#include "ppp/link_options.h"
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
struct DatagramsHeard {
  Bytes message;
};  // one that DatagramPath::takes()
struct CallEnded {
  ppp::LinkEnd end;
  std::string reason;
  std::optional<Bye> bye;
};
using CallEvent = std::variant<PeerHeard, Agreed, Disagreed, Heard, DatagramsHeard, CallEnded, ppp::LinkNote,
                               ppp::FrameTrace>;

}  // namespace isthmus::session
