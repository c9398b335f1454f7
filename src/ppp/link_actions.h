// What a PPP link tells its owner.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "net/address.h"
#include "ppp/frame.h"

namespace isthmus::ppp {

// Why a link ended, for the log, for exit codes (pppd's table) and for whoever decides whether to dial again.
enum class LinkEnd : std::uint8_t {
  kClosedByUs,         // close() was called and the peer agreed or stayed silent
  kTerminatedByPeer,   // a Terminate-Request while the link was Opened
  kCarrierLost,        // carrier_down()
  kPeerDead,           // no good frame for too long
  kNegotiationFailed,  // LCP did not converge or nobody answered: Max-Configure, Max-Failure
  kRefused,            // no network protocol is left, since the policy refuses what the peer insists on
  kLoopback,           // our own magic number came back
};

// The actions. "Up" and "Down" are RFC 1661's This-Layer-Up and This-Layer-Down of each protocol.
struct LcpUp {
  std::uint16_t peer_mru;
};  // the largest information field we may send
struct Ipv4Up {
  IpAddress local;
  IpAddress remote;
  std::vector<IpAddress> dns;
  friend bool operator==(const Ipv4Up&, const Ipv4Up&) = default;
};
struct Ipv4Down {};
struct Ipv6Up {
  std::uint64_t local_interface_id;
  std::uint64_t remote_interface_id;
  friend bool operator==(const Ipv6Up&, const Ipv6Up&) = default;
};
struct Ipv6Down {};
struct VsncpUp {
  std::uint32_t version;
  std::uint32_t capabilities;
};  // the peer's
struct VsncpDown {};
// A network protocol that does not come up: rejected by the peer or refused by us, which is final, or given
// no answer to, which is not: it comes up after all if the peer asks for it later.
struct ProtocolUnavailable {
  Protocol protocol;
  std::string reason;
};
struct VsnpMessage {
  Bytes octets;
};  // one VSNP information field from the peer
// The peer asked to end an Opened link. The Terminate-Ack is queued; LinkDown follows when the peer has had
// time to take it (RFC 1661's Stopping), for which nobody needs to wait.
struct PeerTerminates {
  std::string reason;
};
struct LinkDown {
  LinkEnd end;
  std::string reason;
};  // final: make a new Link
// For -v (kNegotiation: every option asked, acked, refused) and the log (kNotice).
struct LinkNote {
  enum class Level : std::uint8_t { kNegotiation, kNotice, kWarning };
  Level level;
  std::string text;
};
// For -vv: one whole control frame or packet header, decoded.
struct FrameTrace {
  bool outgoing;
  std::string text;
};

using LinkAction =
    std::variant<LcpUp, Ipv4Up, Ipv4Down, Ipv6Up, Ipv6Down, VsncpUp, VsncpDown, ProtocolUnavailable,
                 VsnpMessage, PeerTerminates, LinkDown, LinkNote, FrameTrace>;

}  // namespace isthmus::ppp
