#include "ppp/hdlc_decoder.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/byte_reader.h"
#include "base/guard.h"
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
  return Frame{.protocol = static_cast<std::uint16_t>(high << 8 | low), .information = in.take_rest()};
}

std::nullopt_t dropped(std::uint64_t& counter) {
  ++counter;
  return std::nullopt;
}

std::size_t octets_before_flag(ConstBytes stream) {
  const void* const flag = std::memchr(stream.data(), kFlag, stream.size());
  if (flag == nullptr) return stream.size();
  return static_cast<std::size_t>(static_cast<const std::uint8_t*>(flag) - stream.data());
}

}  // namespace

HdlcDecoder::HdlcDecoder(std::size_t max_information, const FramingKernels& kernels)
    : kernels_(&kernels), max_information_(max_information) {
  make_room();
}

std::optional<Frame> HdlcDecoder::next(ConstBytes& stream) {
  make_room();
  while (!stream.empty()) {
    if (stream.front() == kFlag) {
      const std::size_t size = std::exchange(size_, 0);
      take(stream, 1);
      if (const std::optional<Frame> frame = end_frame(ConstBytes{frame_}.first(size))) return frame;
      continue;
    }
    if (state_ != State::kInFrame) {
      take(stream, octets_before_flag(stream));
      continue;
    }
    if (const std::optional<std::size_t> size = frame_in_place(stream)) {
      const ConstBytes octets = stream.first(*size);
      take(stream, *size + 1);
      if (const std::optional<Frame> frame = end_frame(octets)) return frame;
      continue;
    }
    take(stream, assemble(stream));
  }
  return std::nullopt;
}

std::uint64_t HdlcDecoder::octets_before_first_frame() const {
  return counters_.good == 0 ? position_ : text_octets_;
}

std::size_t HdlcDecoder::max_frame() const {
  return max_information_ + kMaxOverhead;
}

// Only here, where no frame that was delivered is looked at any more.
void HdlcDecoder::make_room() {
  if (frame_.size() < max_frame()) frame_.resize(max_frame());
}

// The size of the frame that `stream` begins with, if the whole of it lies there as it was before stuffing.
std::optional<std::size_t> HdlcDecoder::frame_in_place(ConstBytes stream) const {
  if (size_ > 0 || escaped_) return std::nullopt;
  const std::size_t run = kernels_->clean_run(stream, receive_accm_);
  if (run == stream.size() || stream[run] != kFlag || run > max_frame()) return std::nullopt;
  return run;
}

// Adds octets from the front of `stream`, which begins with another than a flag, to the frame. Returns how
// many.
std::size_t HdlcDecoder::assemble(ConstBytes stream) {
  const std::size_t room = max_frame() - std::min(size_, max_frame());
  if (!escaped_) {
    const MutableBytes free = MutableBytes{frame_}.subspan(size_);
    const Unstuffed done =
        kernels_->unstuff(stream.first(std::min(stream.size(), room)), receive_accm_, free);
    size_ += done.written;
    if (done.read > 0) return done.read;
  }
  consume(stream.front());
  return 1;
}

// One octet that is no flag, by the letter of RFC 1662 section 4.2.
void HdlcDecoder::consume(std::uint8_t octet) {
  if (is_mapped(receive_accm_, octet)) return;
  if (octet == kControlEscape && !escaped_) {
    escaped_ = true;
    return;
  }
  if (!guard<Guard::kFrameTooLong>(size_ < max_frame())) {
    ++counters_.too_long;
    state_ = State::kSkipping;
    return;
  }
  frame_[size_++] = escaped_ ? octet ^ kEscapeBit : octet;
  escaped_ = false;
}

void HdlcDecoder::take(ConstBytes& stream, std::size_t octets) {
  if (counters_.good == 0) {
    const ConstBytes text = stream.first(std::min(octets, kMaxText - text_.size()));
    text_.insert(text_.end(), text.begin(), text.end());
  }
  position_ += octets;
  stream = stream.subspan(octets);
}

// `octets` are those since the last flag, but that another was just taken.
std::optional<Frame> HdlcDecoder::end_frame(ConstBytes octets) {
  std::optional<Frame> frame = state_ == State::kInFrame ? checked_frame(octets) : std::nullopt;
  if (frame) {
    frame->position = flag_position_;
    if (++counters_.good == 1) settle_text();
  }
  // This flag may open the next frame, too (RFC 1662 section 3.1).
  state_ = State::kInFrame;
  escaped_ = false;
  flag_position_ = position_ - 1;
  return frame;
}

std::optional<Frame> HdlcDecoder::checked_frame(ConstBytes octets) {
  if (escaped_) return dropped(counters_.aborted);
  if (octets.empty()) return std::nullopt;
  if (!guard<Guard::kFrameTooShort>(octets.size() >= kMinFrame)) return dropped(counters_.too_short);
  if (!guard<Guard::kFcs>(kernels_->fcs16(octets, kInitialFcs) == kGoodFcs))
    return dropped(counters_.bad_fcs);
  const std::optional<Frame> frame = parse_frame(octets.first(octets.size() - kFcsSize));
  if (!frame) return dropped(counters_.malformed);
  if (!guard<Guard::kFrameTooLong>(frame->information.size() <= max_information_))
    return dropped(counters_.too_long);
  return frame;
}

// What came before the opening flag of the first good frame was text of the far side's login.
void HdlcDecoder::settle_text() {
  text_octets_ = flag_position_;
  text_.resize(std::min<std::uint64_t>(text_.size(), text_octets_));
}

}  // namespace isthmus::ppp
