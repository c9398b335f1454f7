#include "esp/outbound_sa.h"

#include <utility>

#include "base/guard.h"

namespace isthmus::esp {

OutboundSa::OutboundSa(const Identity& identity, SaCipher cipher, const SaLimits& limits)
    : spi_(identity.spi),
      is_esn_(identity.is_esn),
      last_(identity.last),
      limits_(limits),
      cipher_(std::move(cipher)) {}

Verdict<std::size_t> OutboundSa::seal(MutableBytes room, std::uint8_t next_header, MutableBytes out) {
  const Payload payload{.room = room, .next_header = next_header, .iv = last_.value() + 1};
  const std::size_t size = sealed_size(payload.text_size());
  if (out.size() < size) return std::unexpected(Drop::kNoRoom);

  // RFC 4303 section 3.3.3: a packet that would make the counter cycle is not sent. The IV is the same
  // counter, so this is also what keeps a nonce from being used twice.
  const std::uint64_t blocks = blocks_of(payload.text_size());
  const bool is_within_limits =
      last_.value() < limits_.hard_packets && packets_ + blocks_ + blocks + 1 <= limits_.hard_calls;
  if (!guard<Guard::kHardLimit>(is_within_limits)) return std::unexpected(Drop::kHardLimit);

  last_ = SequenceNumber{payload.iv};
  seal_packet(cipher_, {.spi = spi_, .sequence = last_, .is_esn = is_esn_}, payload, out);
  ++packets_;
  blocks_ += blocks;
  return size;
}

}  // namespace isthmus::esp
