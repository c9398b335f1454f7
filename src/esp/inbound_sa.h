// Our half of an SA that we receive by: what is fresh and authentic comes out, and nothing else moves the
// window.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "esp/drop.h"
#include "esp/esn_resync.h"
#include "esp/esp_format.h"
#include "esp/replay_window.h"
#include "esp/sequence_number.h"
#include "esp/spi.h"

namespace isthmus::esp {

class InboundSa {
 public:
  struct Identity {
    Spi spi{};
    bool is_esn = false;
    SequenceNumber highest;  // received so far: for an SA with a past
  };

  InboundSa(const Identity& identity, SaCipher cipher);

  struct Opened {
    Verdict<OpenedPayload> payload;  // kBadTrailer: authentic all the same
    bool is_newest = false;          // its number is higher than any before it
  };

  // Decrypts `packet`, whose head parse_head() has read and whose SPI is ours, into the beginning of `out`,
  // as open_packet() does. kNoRoom, kReplayed or kAuthFailed: not taken in, and nothing has changed.
  [[nodiscard]] Verdict<Opened> open(const PacketHead& head, ConstBytes packet, MutableBytes out);

  [[nodiscard]] Spi spi() const { return spi_; }
  [[nodiscard]] SequenceNumber highest() const { return window_.highest(); }
  // Authentic and fresh.
  [[nodiscard]] std::uint64_t packets() const { return packets_; }
  [[nodiscard]] std::uint64_t blocks() const { return blocks_; }

 private:
  // The number under which the packet is authentic, if it is.
  std::optional<SequenceNumber> authenticate(SequenceNumber inferred, ConstBytes packet, MutableBytes plain);
  std::optional<SequenceNumber> try_later_subspaces(SequenceNumber inferred, MutableBytes plain);
  [[nodiscard]] bool is_authentic(SequenceNumber number, ConstBytes packet, MutableBytes plain) const;

  Spi spi_;
  bool is_esn_;
  ReplayWindow window_;
  std::uint64_t packets_ = 0;
  std::uint64_t blocks_ = 0;
  SaCipher cipher_;
  std::optional<EsnResync> resync_;  // with ESN only
};

}  // namespace isthmus::esp
