// The deframer makes the same of a stream whatever the pieces are that it comes in and whichever kernels it
// uses, keeps to its bounds, and what it delivers can be sent and received again.
//
// Input: one octet with the number of cuts (modulo 16), two octets a cut, four octets of receiving ACCM, then
// the stream.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/byte_reader.h"
#include "base/check.h"
#include "ppp/hdlc_decoder.h"
#include "ppp/hdlc_encoder.h"

namespace {

using isthmus::ByteReader;
using isthmus::Bytes;
using isthmus::ConstBytes;
using isthmus::ppp::DecoderCounters;
using isthmus::ppp::Frame;
using isthmus::ppp::FramingKernels;
using isthmus::ppp::HdlcDecoder;

// Small, so that frames that are too long are found soon.
constexpr std::size_t kMaxInformation = 48;

struct OwnedFrame {
  std::uint16_t protocol;
  Bytes information;
  std::uint64_t position;
  bool operator==(const OwnedFrame&) const = default;
};

struct Outcome {
  std::vector<OwnedFrame> frames;
  DecoderCounters counters;
  std::string text;
  std::uint64_t text_octets = 0;
  bool operator==(const Outcome&) const = default;
};

Outcome outcome_of(ConstBytes stream, std::uint32_t accm, const std::vector<std::size_t>& cuts,
                   const FramingKernels& kernels = isthmus::ppp::best_kernels()) {
  Outcome outcome;
  HdlcDecoder decoder{kMaxInformation, kernels};
  decoder.set_receive_accm(accm);
  const auto keep = [&outcome](const Frame& frame) {
    CHECK(frame.information.size() <= kMaxInformation);
    outcome.frames.push_back(
        {frame.protocol, Bytes(frame.information.begin(), frame.information.end()), frame.position});
  };
  std::size_t start = 0;
  for (const std::size_t cut : cuts) {
    decoder.feed(stream.subspan(start, cut - start), keep);
    start = cut;
  }
  decoder.feed(stream.subspan(start), keep);
  outcome.counters = decoder.counters();
  outcome.text = decoder.text_before_stream();
  outcome.text_octets = decoder.octets_before_first_frame();
  CHECK(outcome.counters.good == outcome.frames.size());
  CHECK(outcome.text.size() == std::min<std::uint64_t>(outcome.text_octets, HdlcDecoder::kMaxText));
  return outcome;
}

void check_round_trip(const std::vector<OwnedFrame>& frames, std::uint32_t accm) {
  Bytes stream;
  for (const OwnedFrame& frame : frames)
    isthmus::ppp::encode_frame(frame.protocol, frame.information,
                               {.accm = accm,
                                .protocol_field_compression = (accm & 1) != 0,
                                .address_control_compression = (accm & 2) != 0},
                               stream);
  for (const OwnedFrame& again : outcome_of(stream, accm, {}).frames)
    CHECK(std::ranges::any_of(frames, [&again](const OwnedFrame& frame) {
      return frame.protocol == again.protocol && frame.information == again.information;
    }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in{{data, size}};
  std::vector<std::size_t> cuts(in.u8() % 16);
  for (std::size_t& cut : cuts) cut = in.u16();
  const std::uint32_t accm = in.u32();
  if (!in.ok()) return 0;

  const ConstBytes stream = in.take_rest();
  for (std::size_t& cut : cuts) cut = std::min(cut, stream.size());
  std::ranges::sort(cuts);
  const Outcome whole = outcome_of(stream, accm, {});
  CHECK(outcome_of(stream, accm, cuts) == whole);
  CHECK(outcome_of(stream, accm, cuts, isthmus::ppp::portable_kernels()) == whole);
  check_round_trip(whole.frames, accm);
  return 0;
}
