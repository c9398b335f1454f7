// Our half of an SA that we send by: numbers packets, seals them, and stops before its key has been used too
// much.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "esp/drop.h"
#include "esp/esp_format.h"
#include "esp/sa_limits.h"
#include "esp/sequence_number.h"
#include "esp/spi.h"

namespace isthmus::esp {

class OutboundSa {
 public:
  struct Identity {
    Spi spi{};
    bool is_esn = false;
    // The number last sent. Anything but "nothing yet" is for an SA with a past, and whoever gives it must
    // know that no higher one was ever sent with this key.
    SequenceNumber last;
  };

  OutboundSa(const Identity& identity, SaCipher cipher, const SaLimits& limits);

  // Seals the text in `room` (kTrailerRoom octets behind it are lent, as to seal_packet()) into the beginning
  // of `out` and returns the packet's size. kNoRoom: `out` is too short; kHardLimit: the key is used up. In
  // both cases nothing has been sent and no number is used.
  [[nodiscard]] Verdict<std::size_t> seal(MutableBytes room, std::uint8_t next_header, MutableBytes out);

  [[nodiscard]] bool is_soft_limit_reached() const {
    return last_.value() >= limits_.soft_packets || blocks_ >= limits_.soft_blocks;
  }
  [[nodiscard]] Spi spi() const { return spi_; }
  [[nodiscard]] SequenceNumber last() const { return last_; }
  [[nodiscard]] std::uint64_t packets() const { return packets_; }
  [[nodiscard]] std::uint64_t blocks() const { return blocks_; }

 private:
  Spi spi_;
  bool is_esn_;
  SequenceNumber last_;
  SaLimits limits_;
  std::uint64_t packets_ = 0;
  std::uint64_t blocks_ = 0;
  SaCipher cipher_;
};

}  // namespace isthmus::esp
