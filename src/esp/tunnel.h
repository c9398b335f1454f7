// Everything about ESP in UDP (RFC 4303, RFC 3948) that one worker knows, except the moving of octets: SAs of
// the live generations, where packets go, what may come in, probes, counters. docs/protocol/esp.md has the
// format.
//
// A Tunnel belongs to one thread. It makes no system call and reads no clock. Once its SAs are installed,
// the packet path (seal, open, next_datagram, next_event) allocates nothing and makes no virtual call but
// those of the Aead.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "esp/bounded_queue.h"
#include "esp/datagram.h"
#include "esp/drop.h"
#include "esp/ecn.h"
#include "esp/inbound_sa.h"
#include "esp/moves_told.h"
#include "esp/outbound_sa.h"
#include "esp/probe.h"
#include "esp/sa_limits.h"
#include "esp/sa_table.h"
#include "esp/tunnel_command.h"
#include "esp/tunnel_counters.h"
#include "esp/tunnel_event.h"
#include "net/endpoint.h"

namespace isthmus::esp {

struct TunnelOptions {
  OuterDscp dscp = OuterDscp::kZero;
  // Lower limits than SaLimits::of() has. The smaller of the two counts.
  std::optional<SaLimits> limits;
  crypto::Backend backend = crypto::Backend::kBest;
};

class Tunnel {
 public:
  explicit Tunnel(const TunnelOptions& options = {});

  // --- For the control thread's commands and answers, between two batches of packets.

  // kNotFound: there is no such generation; to retire one that is gone is no error. kExists: the SPI, or the
  // outbound SA of that generation, is there already. kInvalid, kUnsupported: the SPI or the cipher cannot
  // be. kRefused: too many SAs, or so many probes that wait to be sent. After an error nothing has changed.
  [[nodiscard]] Result<void> apply(TunnelCommand command);
  // The oldest event that has not been taken. At most kMaxEvents wait; of more, the newest are lost and
  // counted, but for LimitReached and RemoteMoved, which are told later instead.
  [[nodiscard]] std::optional<TunnelEvent> next_event() { return events_.take(); }
  [[nodiscard]] const TunnelCounters& counters() const { return counters_; }
  // Allocates.
  [[nodiscard]] std::vector<SaStatus> status() const;

  // --- The packet path.

  // Where sealed packets go.
  [[nodiscard]] const std::optional<Endpoint>& remote() const { return remote_; }

  // Encrypts the IP packet in `room` into the beginning of `out`. The last kTrailerRoom octets of `room`,
  // behind the packet, are lent: they hold the trailer during the call and are as they were afterwards. So a
  // packet can be sealed where it lies amid others. `out` needs sealed_size(packet) octets and does not
  // overlap the room, unless the packet begins kHeaderSize octets into it; then nothing is given back
  // (esp_format.h).
  [[nodiscard]] Verdict<Sealed> seal(MutableBytes room, MutableBytes out);

  // Decrypts the packet of a datagram into the beginning of `out` and returns it there; ECN marks of the
  // outer header are in it. `out` needs opened_size(datagram.size()) octets and does not overlap the
  // datagram, unless it begins where the ciphertext does, kHeaderSize octets into it. After a drop `out`
  // holds nothing of use and the datagram, if it was opened in place, is gone.
  [[nodiscard]] Verdict<MutableBytes> open(const Arrival& arrival, MutableBytes out);

  // The next datagram that the Tunnel itself has to send, made at the beginning of `out`; ask until there is
  // none, after commands and after each batch that was opened. One that does not fit into `out` is left out.
  [[nodiscard]] std::optional<Outgoing> next_datagram(MutableBytes out);

  static constexpr std::size_t kMaxEvents = 64;
  static constexpr std::size_t kMaxWaiting = 64;   // probes and echoes that wait to be sent
  static constexpr std::size_t kMaxInbound = 256;  // SAs, of all generations
  static constexpr std::size_t kMaxOutbound = 4;   // of as many generations

 private:
  struct LiveOutbound {
    Generation generation{};
    OutboundSa sa;
    bool is_soft_limit_told = false;
    bool is_hard_limit_told = false;
  };

  // A datagram of our own that waits to be made.
  struct Waiting {
    Probe probe;
    Generation generation{};
    std::size_t size = 0;  // of the probe
    Endpoint to;
    std::optional<IpAddress> from = {};
  };

  Result<void> obey(InstallInbound& install);
  Result<void> obey(InstallOutbound& install);
  Result<void> obey(const UseOutbound& use);
  Result<void> obey(const Retire& retire);
  Result<void> obey(const RetireOutbound& retire);
  Result<void> obey(const SetRemote& set);
  Result<void> obey(const SendProbe& send);
  Result<void> obey(SetSelector& set);
  Result<SaCipher> make_cipher(const SaParameters& sa) const;
  [[nodiscard]] SaLimits limits_of(bool is_esn) const;
  void retire_outbound(Generation generation);

  Verdict<Sealed> seal_packet_in(MutableBytes room, MutableBytes out);
  Verdict<std::size_t> seal_by(LiveOutbound& live, MutableBytes room, std::uint8_t next_header,
                               MutableBytes out);
  Verdict<MutableBytes> open_datagram(const Arrival& arrival, MutableBytes out);
  Verdict<MutableBytes> open_by(LiveInbound& live, const PacketHead& head, const Arrival& arrival,
                                MutableBytes out);
  Verdict<MutableBytes> accept(const OpenedPayload& payload, const Arrival& arrival);
  Drop take_dummy(const LiveInbound& live, ConstBytes text, const Arrival& arrival);
  void note_source(const LiveInbound& live, const Arrival& arrival, RemoteMoved::By by);
  void note_use(LiveInbound& live);
  std::optional<Outgoing> make_datagram(const Waiting& waiting, MutableBytes out);
  LiveOutbound* find_outbound(Generation generation);

  TunnelOptions options_;
  SaLimits inbound_limits_;  // the soft ones
  SaTable inbound_{kMaxInbound};
  std::vector<std::unique_ptr<LiveOutbound>> outbound_;
  LiveOutbound* in_use_ = nullptr;  // in outbound_
  std::optional<Endpoint> remote_;
  MovesTold moves_told_;
  Selector selector_;
  BoundedQueue<TunnelEvent, kMaxEvents> events_;
  BoundedQueue<Waiting, kMaxWaiting> waiting_;
  TunnelCounters counters_;
};

}  // namespace isthmus::esp
