// What the engine of a session asks of its monitor, which alone may change the machine: each a value of one
// size, checked against local policy before anything is done (app/engine_rules.h). The engine has read what a
// peer sent, and is not believed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "net/prefix.h"
#include "session/message.h"

namespace isthmus::app {

// Of a stream, whoever made it: given by the monitor.
using LegId = std::uint32_t;

// ---- what the machine is like ----
struct ReadFacts {};     // answered by a HostFacts, which the next Judged is judged by
struct ReadFirewall {};  // by the text of a FirewallListing
// Who else here has the host that a peer says to be; by Rivals.
struct LookForRivals {
  LegId leg = 0;
  session::HostId host{};
};
// The session of another `up` that has the process that a peer says to be; by its name, or nothing.
struct FindTwin {
  session::NodeId node{};
};
struct AskEndpoints {  // by LegEndpoints
  LegId leg = 0;
};
struct ReadOuter {  // of another session: what ssh has shown of its far end
  std::string session;
};

// ---- what the peer asks for, and what was agreed on ----
// A peer's Hello, or a plain PPP peer: the monitor judges it by the same facts and the same rules.
struct Judged {
  LegId leg = 0;
  std::optional<session::Hello> hello;
};
// Both ends agree on this: what follows from it is done to the machine.
struct AgreedIpv4 {
  IpAddress local, remote;
};
struct AgreedIpv6 {
  std::uint64_t local = 0, remote = 0;  // interface identifiers
};
struct Join {
  LegId leg = 0;
  std::vector<Prefix> accepted, offered;
  std::optional<AgreedIpv4> ipv4;
  std::optional<AgreedIpv6> ipv6;
};
struct Suspend {};
struct Resume {};
struct PutBack {};
struct Undo {};

// ---- descriptors ----
struct OpenTunnel {  // answered by an OpenedTunnel, and a descriptor for each queue
  int mtu = 0;
  std::uint8_t queues = 1;
};
struct ChangeMtu {
  int mtu = 0;
};
struct OpenSockets {  // by a descriptor for each
  LegId leg = 0;
  std::uint8_t count = 1;
};
struct DialSsh {};  // by a Dialled, and ssh's standard input, output and error
struct EndLeg {     // its ssh too
  LegId leg = 0;
};
// The stream of this leg, and the descriptor that its `attach` waits at, go to another session.
struct PassOn {
  std::string session;
  LegId leg = 0;
};

// ---- what others may know ----
struct Note {  // of SessionState, what does not come from the monitor itself
  std::string phase, peer_name, peer_host, peer_node, proof;
  std::vector<std::string> accepted, offered;
  std::string local_ipv4, remote_ipv4;
  int mtu = 0;
  std::int64_t up_since = 0;
};
struct TellProven {  // answered by a descriptor of /dev/null, where the session is to leave its terminal
  std::uint8_t exit_code = 0;
};

using MonitorRequest = std::variant<ReadFacts, ReadFirewall, LookForRivals, FindTwin, AskEndpoints, ReadOuter,
                                    Judged, Join, Suspend, Resume, PutBack, Undo, OpenTunnel, ChangeMtu,
                                    OpenSockets, DialSsh, EndLeg, PassOn, Note, TellProven>;

// Every request is as long as the longest.
inline constexpr std::size_t kRequestSize = 8192;
using RequestOctets = std::array<std::uint8_t, kRequestSize>;

// kInvalid if a list or text is longer than any that decode_monitor_request() takes.
Result<RequestOctets> encode_monitor_request(const MonitorRequest& request);
// kProtocol unless it is of kRequestSize, all values lie within their ranges, and the rest is zero.
Result<MonitorRequest> decode_monitor_request(ConstBytes octets);

}  // namespace isthmus::app
