#include "ppp/hdlc_decoder.h"

#include <algorithm>
#include <utility>

#include "base/byte_reader.h"
#include "ppp/fcs.h"
#include "ppp/hdlc.h"

namespace isthmus::ppp {
namespace {

// RFC 1662 section 4.3: what is shorter with a 16-bit FCS is no frame.
constexpr std::size_t kMinFrame = 4;
constexpr std::size_t kMaxOverhead = kAddressControlSize + kProtocolSize + kFcsSize;

// `body` is a frame without its FCS. Empty if its Address or Control field is unknown or its Protocol field
// is cut short.
std::optional<Frame> parse_frame(ConstBytes body) {
  ByteReader in{body};
  std::uint8_t first = in.u8();
  // A Protocol field never begins with the All-Stations address (RFC 1662 section 3.2): if it is there, the
  // Control field is too.
  if (first == kAllStations) {
    if (in.u8() != kUnnumberedInformation) return std::nullopt;
    first = in.u8();
  }
  // An odd octet ends a Protocol field, so that a first one that is odd is the whole field (RFC 1661 section
  // 6.5).
  const bool is_compressed = (first & 1) != 0;
  const std::uint8_t low = is_compressed ? first : in.u8();
  const std::uint8_t high = is_compressed ? 0 : first;
  if (!in.ok()) return std::nullopt;
  return Frame{static_cast<std::uint16_t>(high << 8 | low), in.take_rest()};
}

std::nullopt_t dropped(std::uint64_t& counter) {
  ++counter;
  return std::nullopt;
}

}  // namespace

HdlcDecoder::HdlcDecoder(std::size_t max_information) : max_information_(max_information) {
  frame_.reserve(max_information_ + kMaxOverhead);
}

std::optional<Frame> HdlcDecoder::next(ConstBytes& stream) {
  if (std::exchange(holds_delivered_, false)) frame_.clear();
  while (!stream.empty()) {
    const std::uint8_t octet = stream.front();
    stream = stream.subspan(1);
    ++position_;
    if (counters_.good == 0 && text_.size() < kMaxText) text_.push_back(octet);
    if (octet != kFlag) {
      consume(octet);
      continue;
    }
    if (const std::optional<Frame> frame = end_frame()) return frame;
  }
  return std::nullopt;
}

std::uint64_t HdlcDecoder::octets_before_first_frame() const {
  return counters_.good == 0 ? position_ : text_octets_;
}

void HdlcDecoder::consume(std::uint8_t octet) {
  if (state_ != State::kInFrame || is_mapped(receive_accm_, octet)) return;
  if (octet == kControlEscape && !escaped_) {
    escaped_ = true;
    return;
  }
  if (frame_.size() == max_information_ + kMaxOverhead) {
    ++counters_.too_long;
    state_ = State::kSkipping;
    return;
  }
  frame_.push_back(escaped_ ? octet ^ kEscapeBit : octet);
  escaped_ = false;
}

std::optional<Frame> HdlcDecoder::end_frame() {
  const std::optional<Frame> frame = state_ == State::kInFrame ? checked_frame() : std::nullopt;
  if (frame && ++counters_.good == 1) settle_text();
  holds_delivered_ = frame.has_value();
  if (!holds_delivered_) frame_.clear();

  // This flag may open the next frame, too (RFC 1662 section 3.1).
  state_ = State::kInFrame;
  escaped_ = false;
  flag_position_ = position_ - 1;
  return frame;
}

std::optional<Frame> HdlcDecoder::checked_frame() {
  if (escaped_) return dropped(counters_.aborted);
  if (frame_.empty()) return std::nullopt;
  if (frame_.size() < kMinFrame) return dropped(counters_.too_short);
  if (fcs16(frame_) != kGoodFcs) return dropped(counters_.bad_fcs);
  const std::optional<Frame> frame = parse_frame(ConstBytes{frame_}.first(frame_.size() - kFcsSize));
  if (!frame) return dropped(counters_.malformed);
  if (frame->information.size() > max_information_) return dropped(counters_.too_long);
  return frame;
}

// What came before the opening flag of the first good frame was text of the far side's login.
void HdlcDecoder::settle_text() {
  text_octets_ = flag_position_;
  text_.resize(std::min<std::uint64_t>(text_.size(), text_octets_));
}

}  // namespace isthmus::ppp
