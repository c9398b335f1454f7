// The largest outer IP packet that reaches the peer: DPLPMTUD (RFC 8899), whose states and constants these
// are. Sizes are of outer IP packets.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "net/address.h"

namespace isthmus::session {

inline constexpr std::size_t kBasePlpmtu = 1280;
inline constexpr std::size_t kLeastTooBigIpv4 = 576;
inline constexpr std::size_t kLeastTooBigIpv6 = 1280;
inline constexpr int kMaxProbesOfSize = 3;                           // MAX_PROBES
inline constexpr Duration kMtuProbeTimer = std::chrono::seconds{1};  // PROBE_TIMER: no less is allowed
inline constexpr Duration kMtuRaiseTimer = std::chrono::seconds{600};
inline constexpr Duration kMtuConfirmTimer = std::chrono::seconds{10};  // while packets are sent
inline constexpr Duration kMtuErrorTimer = std::chrono::seconds{5};     // between probes of the base in Error
// The search ends when the next step would be smaller: ESP packets come in steps of four octets.
inline constexpr std::size_t kMtuStep = 8;

// The largest inner packet that makes an outer one of at most `outer` octets.
std::size_t inner_mtu(std::size_t outer, Family family);

class PathMtu {
 public:
  enum class State : std::uint8_t { kDisabled, kBase, kSearching, kComplete, kError };

  // There is a path to an address of `family`, by an interface of MTU `largest`. `likely` fitted not long
  // ago, 0 if nothing is known: it is tried before the largest.
  void start(Instant now, Family family, std::size_t largest, std::size_t likely = 0);
  void stop();
  // The size of a probe that is due; call it until there is none, and next_deadline() says when again.
  // `is_busy`: packets are sent, so that their size is worth confirming.
  [[nodiscard]] std::optional<std::size_t> probe_due(Instant now, bool is_busy);
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  // An echo has taken so long: probes are no closer than that (RFC 8899 sections 3 and 8), and each is waited
  // for longer.
  void round_trip(Duration time) { round_trip_ = time; }
  // A probe of this size has arrived.
  void confirm(Instant now, std::size_t size);
  // An ICMP message, already known to be about a packet of ours, says that `size` is what fits.
  void too_big(Instant now, std::size_t size);
  // Packets are lost: is the size still right?
  void suspect(Instant now);
  // The way is another, perhaps of another size; what was asked on the old one counts for nothing.
  void way_changed();
  // A shorter probe has arrived that went out then.
  void shorter_arrived(Instant sent);
  // Since when the confirmed size has been in doubt: when a probe of it went out after suspect() that has had
  // no answer yet, though a shorter one beside it has.
  [[nodiscard]] std::optional<Instant> doubted_since() const {
    return state_ == State::kComplete ? doubted_since_ : std::nullopt;
  }

  [[nodiscard]] State state() const { return state_; }
  // The confirmed size of outer packets; empty while there is none.
  [[nodiscard]] std::optional<std::size_t> plpmtu() const { return plpmtu_; }

 private:
  void enter_base(Instant now);
  void enter_error(Instant now);
  void search(Instant now);
  void complete(Instant now);
  void probe(Instant now, std::size_t size);
  [[nodiscard]] Instant next_at(Instant now) const { return std::max(now, sent_at_ + round_trip_); }
  void give_up(Instant now);
  void trust();

  State state_ = State::kDisabled;
  Family family_ = Family::kIpv4;
  std::optional<std::size_t> plpmtu_;
  std::size_t largest_ = kBasePlpmtu;
  std::size_t likely_ = 0;
  std::size_t bound_ = kBasePlpmtu;   // sizes above are known not to fit
  std::size_t probed_ = kBasePlpmtu;  // PROBED_SIZE
  int count_ = 0;                     // PROBE_COUNT
  bool is_awaited_ = false;           // a probe of probed_ is under way, or due
  bool is_suspected_ = false;         // there was reason for it
  std::optional<Instant> asked_at_;   // the last probe since then went out
  std::optional<Instant> doubted_since_;
  Duration round_trip_{};
  Instant sent_at_{};          // the last probe
  std::optional<Instant> at_;  // the next
  std::optional<Instant> raise_at_;
};

}  // namespace isthmus::session
