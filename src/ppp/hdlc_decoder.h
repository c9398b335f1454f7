// Takes PPP frames from an octet stream: octet-stuffed framing of RFC 1662 section 4, at the receiving end.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "ppp/frame.h"
#include "ppp/framing_kernels.h"

namespace isthmus::ppp {

// Frames by their fate. Drops are counted from the first Flag Sequence on, also in what proves to be text
// before the stream.
struct DecoderCounters {
  std::uint64_t good = 0;
  std::uint64_t bad_fcs = 0;
  std::uint64_t too_long = 0;   // more information than allowed
  std::uint64_t too_short = 0;  // one to three octets (RFC 1662 section 4.3); none at all is no frame
  std::uint64_t aborted = 0;    // ended by Control Escape and Flag Sequence (RFC 1662 section 4.3)
  std::uint64_t malformed = 0;  // good FCS, but an unknown Address or Control field or half a Protocol field

  friend bool operator==(const DecoderCounters&, const DecoderCounters&) = default;
};

// Reads a stream in any split: frames, counters and text depend on the octets alone, not on where the pieces
// end. Holds at most `max_information` and a few octets, and kMaxText of text. Frames with and without
// Address, Control and the first Protocol octet are always understood, whatever was negotiated: they cannot
// be mistaken for each other (RFC 1662 section 3.2).
class HdlcDecoder {
 public:
  static constexpr std::size_t kMaxText = 4096;

  // `max_information` is the longest information field to accept: the larger of our MRU and 1500, which
  // RFC 1661 section 6.1 wants received in any case. The receiving ACCM starts at RFC 1662's default, all
  // ones. All kernels give the same.
  explicit HdlcDecoder(std::size_t max_information, const FramingKernels& kernels = best_kernels());

  // Calls `sink(const Frame&)` for each good frame of `stream`, in order. The frame is valid during the call.
  // The sink may call set_receive_accm(), which then holds for the rest of the stream; it must not feed.
  template <typename Sink>
  void feed(ConstBytes stream, Sink&& sink) {
    while (const std::optional<Frame> frame = next(stream)) sink(*frame);
  }

  // Takes octets from the front of `stream` up to and with the end of the next good frame, or all of them if
  // there is none. The frame is valid until the next call and as long as the stream's octets are: one without
  // escapes that lies in `stream` as a whole is a view of them.
  std::optional<Frame> next(ConstBytes& stream);

  // The control characters 0..31 that are dropped when they come unescaped (RFC 1662 section 4.2): what the
  // peer agreed to escape towards us.
  void set_receive_accm(std::uint32_t accm) { receive_accm_ = accm; }

  // Holds from the frame after the one that was delivered last, also for one of which a part was read. Room
  // for the longest frame is made at once then, so that frames allocate nothing.
  void set_max_information(std::size_t octets) { max_information_ = octets; }

  [[nodiscard]] const DecoderCounters& counters() const { return counters_; }
  // Octets of the stream before the Flag Sequence that opens the first good frame; until there is one,
  // everything.
  [[nodiscard]] std::uint64_t octets_before_first_frame() const;
  // The first kMaxText of those, as they came. Valid until the next octet is read.
  [[nodiscard]] std::string_view text_before_stream() const { return text_of(text_); }

 private:
  enum class State : std::uint8_t {
    kHunting,   // before the first Flag Sequence
    kInFrame,   // after a Flag Sequence, which ended one frame and begins another
    kSkipping,  // in a frame that is too long, until the next Flag Sequence
  };

  void make_room();
  std::optional<std::size_t> frame_in_place(ConstBytes stream) const;
  std::size_t assemble(ConstBytes stream);
  void consume(std::uint8_t octet);
  void take(ConstBytes& stream, std::size_t octets);
  std::optional<Frame> end_frame(ConstBytes octets);
  std::optional<Frame> checked_frame(ConstBytes octets);
  void settle_text();
  [[nodiscard]] std::size_t max_frame() const;

  const FramingKernels* kernels_;
  std::size_t max_information_;
  std::uint32_t receive_accm_ = 0xffffffff;
  State state_ = State::kHunting;
  bool escaped_ = false;
  Bytes frame_;           // room for the longest frame
  std::size_t size_ = 0;  // unstuffed octets since the last Flag Sequence, at the front of frame_
  DecoderCounters counters_;
  std::uint64_t position_ = 0;       // octets read
  std::uint64_t flag_position_ = 0;  // of the last Flag Sequence
  std::uint64_t text_octets_ = 0;    // once a good frame came
  Bytes text_;
};

}  // namespace isthmus::ppp
