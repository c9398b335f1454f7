// A PPP link, everything about it except moving its octets: framing, LCP, and the network control protocols
// IPCP, IPV6CP and VSNCP above it. Events and octets in; octets, packets and LinkActions out. Not
// thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/random_source.h"
#include "base/time.h"
#include "net/address.h"
#include "ppp/frame.h"

namespace isthmus::ppp {

// What we wish for above LCP, and what we let the peer have.
struct NetworkOptions {
  // IPCP
  bool ipv4 = true;
  std::optional<IpAddress> local_ipv4;   // ours; empty: ask the peer for one (0.0.0.0)
  std::optional<IpAddress> remote_ipv4;  // the peer's, suggested by Nak when it asks for 0.0.0.0
  bool accept_local_ipv4 = false;        // take the peer's Nak for our address (pppd's ipcp-accept-local)
  bool accept_remote_ipv4 = true;        // take the peer's idea of its own address, if the policy permits it
  std::vector<IpAddress> dns_to_offer;   // at most two (RFC 1877), for a peer that asks
  bool ask_for_dns = false;
  // IPV6CP
  bool ipv6 = true;
  std::optional<std::uint64_t> local_interface_id;  // RFC 5072; empty: drawn at random
};

// What we wish for in LCP, and how long we try.
struct LinkOptions {
  // LCP
  std::uint16_t mru = 1500;  // what we can receive; 1500 is not asked for since it is the default
  std::uint32_t accm = 0;    // control characters the peer must escape towards us
  bool magic_number = true;
  bool protocol_field_compression = true;
  bool address_control_compression = true;
  bool passive = false;  // after Max-Configure unanswered requests wait instead of giving up (pppd's passive)
  bool silent = false;   // send nothing before the peer's first valid LCP packet (pppd's silent)
  int max_configure = 10;  // RFC 1661 section 4.6
  int max_terminate = 2;
  int max_failure = 5;
  Duration restart_interval = std::chrono::seconds{3};
  // Echo (RFC 1661 section 5.8). Any good frame is life. `echo_interval` without a good frame sends a
  // request; the link is dead after `dead_after_idle` without one, or after `dead_after_busy` without one
  // while we had something to send.
  std::optional<Duration> echo_interval = std::chrono::seconds{5};
  Duration dead_after_idle = std::chrono::seconds{14};
  Duration dead_after_busy = std::chrono::milliseconds{4500};

  // Empty: IPCP and IPV6CP stay closed until open_network(), while LCP and VSNCP come up. Of what the peer
  // asks of them meanwhile the last Configure-Request of each is kept, and answered then (a stock pppd asks
  // at once and would otherwise wait out its restart timer).
  std::optional<NetworkOptions> network = NetworkOptions{};
  // VSNCP with our OUI
  bool vsncp = true;
  std::uint32_t vsncp_capabilities = 0;  // announced to the peer
  std::string identification;            // sent in LCP Identification (RFC 1570 section 2.1) if not empty
};

// Decides whether an address may be the peer's, or ours on the peer's suggestion. Pure; called while
// negotiating.
class AddressPolicy {
 public:
  virtual ~AddressPolicy() = default;
  [[nodiscard]] virtual bool permits_remote(const IpAddress& address) const = 0;
  [[nodiscard]] virtual bool permits_local(const IpAddress& address) const = 0;
};

// Why a link ended, for the log, for exit codes (pppd's table) and for whoever decides whether to dial again.
enum class LinkEnd : std::uint8_t {
  kClosedByUs,         // close() was called and the peer agreed or stayed silent
  kTerminatedByPeer,   // a Terminate-Request while the link was Opened
  kCarrierLost,        // carrier_down()
  kPeerDead,           // no good frame for too long
  kNegotiationFailed,  // LCP did not converge or nobody answered: Max-Configure, Max-Failure
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
};
struct Ipv4Down {};
struct Ipv6Up {
  std::uint64_t local_interface_id;
  std::uint64_t remote_interface_id;
};
struct Ipv6Down {};
struct VsncpUp {
  std::uint32_t version;
  std::uint32_t capabilities;
};  // the peer's
struct VsncpDown {};
// A network protocol that will not come up on this link: rejected by the peer, or refused by us.
struct ProtocolUnavailable {
  Protocol protocol;
  std::string reason;
};
struct VsnpMessage {
  Bytes octets;
};  // one VSNP information field from the peer
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

using LinkAction = std::variant<LcpUp, Ipv4Up, Ipv4Down, Ipv6Up, Ipv6Down, VsncpUp, VsncpDown,
                                ProtocolUnavailable, VsnpMessage, LinkDown, LinkNote, FrameTrace>;

// Counters of the stream, for status and tests.
struct LinkCounters {
  std::uint64_t frames_received = 0, frames_sent = 0;
  std::uint64_t bad_fcs = 0, too_long = 0, too_short = 0, aborted = 0;  // frames dropped by the deframer
  std::uint64_t not_up = 0;                     // packets for a network protocol that is not Opened
  std::uint64_t octets_before_first_frame = 0;  // text before the stream: motd and the like
  std::uint64_t malformed = 0;                  // good FCS, but no PPP frame
  std::uint64_t over_peer_mru = 0;              // packets and messages we did not send since they do not fit
};

// Receives IP packets as they are decoded. The packet is valid during the call only.
class PacketSink {
 public:
  virtual ~PacketSink() = default;
  virtual void packet(Family family, ConstBytes octets) = 0;
};

class Link {
 public:
  // `random` and `policy` must outlive the link.
  Link(LinkOptions options, RandomSource& random, const AddressPolicy& policy);
  ~Link();
  Link(Link&&) noexcept;
  Link& operator=(Link&&) noexcept;

  // Inputs. Each may queue actions and octets.
  void carrier_up(Instant now);
  void carrier_down(Instant now);
  void receive(Instant now, ConstBytes stream,
               PacketSink& sink);                          // any split: one octet, half a frame, ten frames
  void open_network(Instant now, NetworkOptions options);  // once, if LinkOptions::network was left empty
  void close(Instant now, std::string_view reason);        // LCP Terminate-Request with this text
  // Negotiates everything anew, LCP first (RFC 1661 section 4.3, Open with the restart option). The protocols
  // go down and come up again.
  void renegotiate(Instant now);
  // The carrier took octets again after having been blocked: proof of life for a link that only sends.
  void carrier_progressed(Instant now);

  // Encodes an IP packet onto `out` if its protocol is Opened and it fits the peer's MRU; false if not. No
  // allocation beyond the growth of `out`.
  bool send_packet(Instant now, Family family, ConstBytes packet, Bytes& out);
  // Sends one VSNP message; only between VsncpUp and VsncpDown, and not longer than the peer's MRU: false
  // otherwise.
  bool send_vsnp(Instant now, ConstBytes message);

  // The caller sleeps until next_deadline() and then calls advance(). A call that comes more than two seconds
  // late means that we slept, not the peer: it is asked once more before it is declared dead.
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  void advance(Instant now);

  // Control octets to put on the stream, oldest first; empties the queue. They go before packets sent later.
  [[nodiscard]] Bytes take_octets();
  // Oldest first; empties the queue.
  [[nodiscard]] std::vector<LinkAction> take_actions();

  [[nodiscard]] const LinkCounters& counters() const;
  // Whether a good frame ever came: what was read before it is text of the far side's login, kept for
  // messages.
  [[nodiscard]] bool heard_peer() const;
  // Up to 4096 octets read before the first good frame, for the ssh failure classifier and the warning.
  [[nodiscard]] std::string_view text_before_stream() const;
  // Turns FrameTrace actions on: off by default, since they cost.
  void trace_frames(bool on);

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace isthmus::ppp
