// A PPP link, everything about it except moving its octets: framing, LCP, and the network control protocols
// IPCP, IPV6CP and VSNCP above it. Events and octets in; octets, packets and LinkActions out. Not
// thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/random_source.h"
#include "base/time.h"
#include "net/address.h"
#include "ppp/link_actions.h"
#include "ppp/link_options.h"

namespace isthmus::ppp {

// Counters of the stream, for status and tests.
struct LinkCounters {
  std::uint64_t frames_received = 0, frames_sent = 0;
  std::uint64_t bad_fcs = 0, too_long = 0, too_short = 0, aborted = 0;  // frames dropped by the deframer
  std::uint64_t not_up = 0;                     // packets for a network protocol that is not Opened
  std::uint64_t octets_before_first_frame = 0;  // text before the stream: motd and the like
  std::uint64_t malformed = 0;                  // good FCS, but no PPP frame
  std::uint64_t over_peer_mru = 0;              // packets and messages we did not send since they do not fit
};

// Receives what the network protocols carry as it is decoded. Octets are valid during the call only.
class LinkSink {
 public:
  virtual ~LinkSink() = default;
  virtual void packet(Family family, ConstBytes octets) = 0;
  // A VSNP message, whose frame's opening flag had `position` octets of the stream before it. True if that is
  // all there is to do about it; otherwise it becomes an action.
  virtual bool vsnp(ConstBytes message, std::uint64_t position) {
    (void)message, (void)position;
    return false;
  }
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
               LinkSink& sink);                            // any split: one octet, half a frame, ten frames
  void open_network(Instant now, NetworkOptions options);  // once, if LinkOptions::network was left empty
  void close(Instant now, std::string_view reason);        // LCP Terminate-Request with this text
  // Negotiates everything anew, LCP first (RFC 1661 section 4.3, Open with the restart option). The protocols
  // go down and come up again.
  void renegotiate(Instant now);
  // The carrier took octets again after having been blocked: proof of life for a link that only sends.
  void carrier_progressed(Instant now);

  // Queues an IP packet if its protocol is Opened and it fits the peer's MRU; false if not. No allocation
  // beyond the growth of the queue.
  bool send_packet(Instant now, Family family, ConstBytes packet);
  // Queues one VSNP message, `head` and then `body`; only between VsncpUp and VsncpDown, and not longer than
  // the peer's MRU, or kMaxLongMessage where both ends have kSuperPackets: false otherwise.
  bool send_vsnp(Instant now, ConstBytes head, ConstBytes body = {});
  // Queues an Echo-Request with `token` in it (RFC 1661 section 5.8): when it comes back, all that was queued
  // before has arrived. False where no peer can be asked.
  bool send_echo(std::uint64_t token);
  // The token that came back last; empties it.
  [[nodiscard]] std::optional<std::uint64_t> take_echo();

  // The caller sleeps until next_deadline() and then calls advance(). A call that comes more than two seconds
  // late means that we slept, not the peer: it is asked once more before it is declared dead.
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  void advance(Instant now);

  // Octets to put on the stream, oldest first; empties the queue. `out` gives its own buffer for them, so
  // that two buffers serve for ever.
  void take_octets(Bytes& out);
  [[nodiscard]] Bytes take_octets();
  // How many octets of the stream were ever queued, and received.
  [[nodiscard]] std::uint64_t octets_queued() const;
  [[nodiscard]] std::uint64_t octets_received() const;
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
