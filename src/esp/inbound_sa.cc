#include "esp/inbound_sa.h"

#include <utility>

#include "base/guard.h"
#include "esp/esn.h"

namespace isthmus::esp {

InboundSa::InboundSa(const Identity& identity, SaCipher cipher)
    : spi_(identity.spi), is_esn_(identity.is_esn), window_(identity.highest), cipher_(std::move(cipher)) {
  if (is_esn_) resync_.emplace();
}

// Order matters: the window may move only after the ICV has been verified (RFC 4303 section 3.4.3), or a
// forged number could push genuine packets out of it.
Verdict<InboundSa::Opened> InboundSa::open(const PacketHead& head, ConstBytes packet, MutableBytes out) {
  const std::size_t size = opened_size(packet.size());
  if (out.size() < size) return std::unexpected(Drop::kNoRoom);
  const auto inferred =
      is_esn_ ? infer_sequence(window_.highest(), head.sequence) : SequenceNumber{head.sequence};
  if (!inferred || !guard<Guard::kReplay>(window_.is_fresh(*inferred)))
    return std::unexpected(Drop::kReplayed);

  const MutableBytes plain = out.first(size);
  const auto number = authenticate(*inferred, packet, plain);
  if (!number) return std::unexpected(Drop::kAuthFailed);
  const bool is_newest = guard<Guard::kNewest>(*number > window_.highest());
  window_.commit(*number);

  ++packets_;
  blocks_ += (size + 15) / 16;
  return Opened{strip_trailer(plain), is_newest};
}

std::optional<SequenceNumber> InboundSa::authenticate(SequenceNumber inferred, ConstBytes packet,
                                                      MutableBytes plain) {
  const bool is_to_be_tried = resync_ && resync_->is_due(packet.size());
  if (is_to_be_tried) resync_->keep(packet);
  if (is_authentic(inferred, packet, plain)) {
    if (resync_) resync_->note_success();
    return inferred;
  }
  if (resync_) resync_->note_failure();
  return is_to_be_tried ? try_later_subspaces(inferred, plain) : std::nullopt;
}

// RFC 4303 appendix A3.2.
std::optional<SequenceNumber> InboundSa::try_later_subspaces(SequenceNumber inferred, MutableBytes plain) {
  const ConstBytes packet = resync_->take_kept();
  for (std::uint32_t more = 1; more <= EsnResync::kTries; ++more) {
    const SequenceNumber number{inferred.high() + more, inferred.low()};
    if (window_.is_fresh(number) && is_authentic(number, packet, plain)) return number;
  }
  return std::nullopt;
}

bool InboundSa::is_authentic(SequenceNumber number, ConstBytes packet, MutableBytes plain) const {
  return guard<Guard::kIcv>(
      open_packet(cipher_, {.spi = spi_, .sequence = number, .is_esn = is_esn_}, packet, plain));
}

}  // namespace isthmus::esp
