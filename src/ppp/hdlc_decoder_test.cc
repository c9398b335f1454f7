#include "ppp/hdlc_decoder.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "base/seeded_random.h"
#include "ppp/fcs.h"
#include "ppp/hdlc.h"
#include "ppp/hdlc_encoder.h"

namespace isthmus::ppp {

// A frame that outlives the decoder's buffer.
struct OwnedFrame {
  std::uint16_t protocol = 0;
  Bytes information;
  friend bool operator==(const OwnedFrame&, const OwnedFrame&) = default;
};

std::ostream& operator<<(std::ostream& out, const OwnedFrame& frame) {
  out << std::hex << frame.protocol << ':';
  for (const int octet : frame.information) out << ' ' << octet;
  return out << std::dec;
}

namespace {

constexpr std::uint16_t kIpv4 = 0x0021;
constexpr FramingOptions kPlain{.accm = 0};

std::vector<OwnedFrame> frames_of(HdlcDecoder& decoder, ConstBytes stream) {
  std::vector<OwnedFrame> frames;
  decoder.feed(stream, [&frames](const Frame& frame) {
    frames.push_back({frame.protocol, Bytes(frame.information.begin(), frame.information.end())});
  });
  return frames;
}

HdlcDecoder open_decoder(std::size_t max_information = 1500) {
  HdlcDecoder decoder{max_information};
  decoder.set_receive_accm(0);
  return decoder;
}

Bytes encoded(std::uint16_t protocol, ConstBytes information, const FramingOptions& options = kPlain) {
  Bytes out;
  encode_frame(protocol, information, options, out);
  return out;
}

// A frame of exactly these octets and their FCS: for headers that the encoder would not write.
Bytes raw_frame(Bytes body) {
  const auto fcs = static_cast<std::uint16_t>(~fcs16(body));
  body.push_back(static_cast<std::uint8_t>(fcs));
  body.push_back(static_cast<std::uint8_t>(fcs >> 8));
  Bytes out{kFlag};
  for (const std::uint8_t octet : body) {
    if (octet == kFlag || octet == kControlEscape) out.push_back(kControlEscape);
    out.push_back(octet == kFlag || octet == kControlEscape ? octet ^ kEscapeBit : octet);
  }
  out.push_back(kFlag);
  return out;
}

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

Bytes text(std::string_view characters) {
  const ConstBytes octets = bytes_of(characters);
  return {octets.begin(), octets.end()};
}

const OwnedFrame kHello{kIpv4, {0x45, 0x7e, 0x7d, 0x00, 0x11}};
Bytes hello() {
  return encoded(kHello.protocol, kHello.information);
}

TEST(HdlcDecoder, ReturnsWhatTheEncoderWroteUnderEveryOption) {
  SeededRandom random{1661};
  for (int round = 0; round < 400; ++round) {
    const FramingOptions options{.accm = random.u32(),
                                 .protocol_field_compression = (round & 1) != 0,
                                 .address_control_compression = (round & 2) != 0};
    HdlcDecoder decoder{1500};
    decoder.set_receive_accm(options.accm);
    Bytes information(1 + random.u32() % 1500);
    random.fill(information);
    const auto protocol = static_cast<std::uint16_t>((random.u32() & 0xfe00) | (random.u32() & 0x7e) | 1);
    const std::vector<OwnedFrame> frames = frames_of(decoder, encoded(protocol, information, options));
    ASSERT_EQ(frames, (std::vector<OwnedFrame>{{protocol, information}})) << "round " << round;
  }
}

TEST(HdlcDecoder, SharesAFlagBetweenTwoFrames) {
  Bytes stream = hello();
  stream.pop_back();
  HdlcDecoder decoder = open_decoder();
  EXPECT_EQ(frames_of(decoder, stream + hello()), (std::vector<OwnedFrame>{kHello, kHello}));
}

TEST(HdlcDecoder, CountsNothingForFlagsInARow) {
  HdlcDecoder decoder = open_decoder();
  frames_of(decoder, Bytes(100, kFlag));
  EXPECT_EQ(decoder.counters(), DecoderCounters{});
}

TEST(HdlcDecoder, DropsAnAbortedFrameAndTakesTheNext) {
  const Bytes aborted{kFlag, 0xff, 0x03, 0x00, 0x21, 0x45, kControlEscape};
  HdlcDecoder decoder = open_decoder();
  EXPECT_EQ(frames_of(decoder, aborted + hello()), std::vector<OwnedFrame>{kHello});
  EXPECT_EQ(decoder.counters(), (DecoderCounters{.good = 1, .aborted = 1}));
}

TEST(HdlcDecoder, CountsABadFcs) {
  Bytes damaged = hello();
  damaged[5] ^= 0x01;
  HdlcDecoder decoder = open_decoder();
  EXPECT_EQ(frames_of(decoder, damaged + hello()), std::vector<OwnedFrame>{kHello});
  EXPECT_EQ(decoder.counters(), (DecoderCounters{.good = 1, .bad_fcs = 1}));
}

TEST(HdlcDecoder, CountsOneToThreeOctetsAsTooShort) {
  HdlcDecoder decoder = open_decoder();
  frames_of(decoder, Bytes{kFlag, 1, kFlag, 1, 2, kFlag, 1, 2, 3, kFlag});
  EXPECT_EQ(decoder.counters(), DecoderCounters{.too_short = 3});
}

TEST(HdlcDecoder, TakesInformationUpToTheLimitAndNoMore) {
  for (const bool compressed : {false, true}) {
    const FramingOptions options{
        .accm = 0, .protocol_field_compression = compressed, .address_control_compression = compressed};
    HdlcDecoder decoder = open_decoder(64);
    const Bytes longest(64, 0x55);
    const Bytes too_long(65, 0x55);
    const std::vector<OwnedFrame> frames =
        frames_of(decoder, encoded(kIpv4, too_long, options) + encoded(kIpv4, longest, options));
    EXPECT_EQ(frames, (std::vector<OwnedFrame>{{kIpv4, longest}}));
    EXPECT_EQ(decoder.counters(), (DecoderCounters{.good = 1, .too_long = 1}));
  }
}

TEST(HdlcDecoder, CountsAnEndlessFrameOnce) {
  HdlcDecoder decoder = open_decoder();
  frames_of(decoder, Bytes{kFlag} + Bytes(1'000'000, 0x55) + hello());
  EXPECT_EQ(decoder.counters(), (DecoderCounters{.good = 1, .too_long = 1}));
}

TEST(HdlcDecoder, DropsUnescapedControlCharactersOfItsMapAnywhere) {
  Bytes stream{0x11};
  for (const std::uint8_t octet : encoded(kIpv4, Bytes{0x11, 0x45, 0x7e}, FramingOptions{})) {
    stream.push_back(octet);
    stream.push_back(0x11);
    stream.push_back(0x13);
  }
  HdlcDecoder decoder{1500};
  EXPECT_EQ(frames_of(decoder, stream), (std::vector<OwnedFrame>{{kIpv4, {0x11, 0x45, 0x7e}}}));
}

TEST(HdlcDecoder, KeepsControlCharactersOutsideItsMap) {
  HdlcDecoder decoder{1500};
  decoder.set_receive_accm(1U << 0x13);
  const Bytes stream = encoded(kIpv4, Bytes{0x11, 0x13, 0x00}, FramingOptions{.accm = 1U << 0x13});
  EXPECT_EQ(frames_of(decoder, stream), (std::vector<OwnedFrame>{{kIpv4, {0x11, 0x13, 0x00}}}));
}

TEST(HdlcDecoder, AppliesANewMapToTheRestOfTheSameRead) {
  HdlcDecoder decoder{1500};
  int frames = 0;
  decoder.feed(encoded(0xc021, Bytes{2, 1, 0, 4}) + hello(), [&](const Frame&) {
    decoder.set_receive_accm(0);
    ++frames;
  });
  EXPECT_EQ(frames, 2);
}

TEST(HdlcDecoder, DropsAnUnknownAddressOrControlField) {
  HdlcDecoder decoder = open_decoder();
  EXPECT_TRUE(frames_of(decoder, raw_frame({0xff, 0x13, 0x00, 0x21, 0x45})).empty());
  EXPECT_EQ(decoder.counters(), DecoderCounters{.malformed = 1});
}

TEST(HdlcDecoder, DropsHalfAProtocolField) {
  HdlcDecoder decoder = open_decoder();
  EXPECT_TRUE(frames_of(decoder, raw_frame({0xff, 0x03, 0x00})).empty());
  EXPECT_TRUE(frames_of(decoder, raw_frame({0xff, 0x03})).empty());
  EXPECT_EQ(decoder.counters(), DecoderCounters{.malformed = 2});
}

TEST(HdlcDecoder, TakesAFrameWithoutInformation) {
  HdlcDecoder decoder = open_decoder();
  EXPECT_EQ(frames_of(decoder, raw_frame({0x80, 0x21})), (std::vector<OwnedFrame>{{0x8021, {}}}));
}

// RFC 1661 section 2 wants such numbers treated as unrecognised, hence Protocol-Rejected, not dropped.
TEST(HdlcDecoder, DeliversAProtocolNumberThatBreaksTheRules) {
  HdlcDecoder decoder = open_decoder();
  EXPECT_EQ(frames_of(decoder, raw_frame({0xff, 0x03, 0x00, 0x20, 0x45})),
            (std::vector<OwnedFrame>{{0x0020, {0x45}}}));
}

TEST(HdlcDecoder, CallsEverythingTextBeforeTheFirstGoodFrame) {
  HdlcDecoder decoder = open_decoder();
  frames_of(decoder, text("Permission denied (publickey).\r\n"));
  EXPECT_EQ(decoder.text_before_stream(), "Permission denied (publickey).\r\n");
  EXPECT_EQ(decoder.octets_before_first_frame(), 32U);
}

TEST(HdlcDecoder, EndsTheTextWhereTheFirstGoodFrameBegins) {
  HdlcDecoder decoder = open_decoder();
  const std::string_view motd = "~~~ Welcome ~~~\r\nLast login: Mon";
  EXPECT_EQ(frames_of(decoder, text(motd) + hello() + hello()), (std::vector<OwnedFrame>{kHello, kHello}));
  EXPECT_EQ(decoder.text_before_stream(), motd);
  EXPECT_EQ(decoder.octets_before_first_frame(), motd.size());
}

TEST(HdlcDecoder, HasNoTextWhenTheStreamBeginsWithAFrame) {
  HdlcDecoder decoder = open_decoder();
  frames_of(decoder, hello() + text("noise"));
  EXPECT_EQ(decoder.text_before_stream(), "");
  EXPECT_EQ(decoder.octets_before_first_frame(), 0U);
}

TEST(HdlcDecoder, KeepsTheBeginningOfLongTextAndCountsAllOfIt) {
  HdlcDecoder decoder = open_decoder();
  const Bytes novel(100'000, 'x');
  frames_of(decoder, novel + hello());
  EXPECT_EQ(decoder.text_before_stream(), std::string(HdlcDecoder::kMaxText, 'x'));
  EXPECT_EQ(decoder.octets_before_first_frame(), novel.size());
}

TEST(HdlcDecoder, SaysWhereInTheStreamTheFlagOfAFrameStands) {
  const std::string_view motd = "~ Welcome ~";
  const Bytes more_flags{kFlag, kFlag, kFlag};
  HdlcDecoder decoder = open_decoder();
  std::vector<std::uint64_t> positions;
  decoder.feed(text(motd) + hello() + more_flags + hello(),
               [&](const Frame& frame) { positions.push_back(frame.position); });
  EXPECT_EQ(positions, (std::vector<std::uint64_t>{motd.size(), motd.size() + hello().size() + 3}));
}

TEST(HdlcDecoder, PlacesTheFrameBehindASharedFlagAtThatFlag) {
  Bytes stream = hello();
  stream.pop_back();
  HdlcDecoder decoder = open_decoder();
  std::uint64_t last = 0;
  decoder.feed(stream + hello(), [&](const Frame& frame) { last = frame.position; });
  EXPECT_EQ(last, stream.size());
}

TEST(HdlcDecoder, TakesLongerFramesOnceItsLimitIsRaised) {
  const Bytes longer(65'551, 0x7e);
  HdlcDecoder decoder = open_decoder(1500);
  EXPECT_TRUE(frames_of(decoder, encoded(kIpv4, longer)).empty());
  decoder.set_max_information(longer.size());
  EXPECT_EQ(frames_of(decoder, encoded(kIpv4, longer)), (std::vector<OwnedFrame>{{kIpv4, longer}}));
  EXPECT_TRUE(frames_of(decoder, encoded(kIpv4, longer + Bytes{1})).empty());
}

TEST(HdlcDecoder, KeepsWhatItHasOfAFrameWhenItsLimitIsRaised) {
  const Bytes longer(3000, 0x7e);
  const Bytes stream = encoded(kIpv4, longer);
  HdlcDecoder decoder = open_decoder(1500);
  frames_of(decoder, ConstBytes{stream}.first(1400));
  decoder.set_max_information(longer.size());
  EXPECT_EQ(frames_of(decoder, ConstBytes{stream}.subspan(1400)), (std::vector<OwnedFrame>{{kIpv4, longer}}));
}

TEST(HdlcDecoder, LeavesTheFrameThatItDeliversAloneWhenTheLimitIsRaisedMeanwhile) {
  HdlcDecoder decoder = open_decoder(64);
  Bytes seen;
  decoder.feed(hello(), [&](const Frame& frame) {
    decoder.set_max_information(65'551);
    seen.assign(frame.information.begin(), frame.information.end());
  });
  EXPECT_EQ(seen, kHello.information);
}

TEST(HdlcDecoder, TakesShorterFramesOnceItsLimitIsLowered) {
  HdlcDecoder decoder = open_decoder(1500);
  frames_of(decoder, Bytes{kFlag} + Bytes(1000, 0x55));
  decoder.set_max_information(64);
  EXPECT_EQ(frames_of(decoder, Bytes(10, 0x55) + hello()), std::vector<OwnedFrame>{kHello});
  EXPECT_EQ(decoder.counters(), (DecoderCounters{.good = 1, .too_long = 1}));
}

TEST(HdlcDecoder, CopiesNothingOfAFrameThatLiesInTheStreamAsItWas) {
  const Bytes stream = encoded(kIpv4, Bytes(1400, 0x55));
  HdlcDecoder decoder = open_decoder();
  const std::uint8_t* information = nullptr;
  decoder.feed(stream, [&](const Frame& frame) { information = frame.information.data(); });
  EXPECT_EQ(information, stream.data() + 5);
}

TEST(HdlcDecoder, PutsEveryFrameWithEscapesIntoTheSameRoom) {
  HdlcDecoder decoder = open_decoder(65'551);
  std::vector<const std::uint8_t*> places;
  for (const std::size_t size : {10U, 65'551U, 1400U})
    decoder.feed(encoded(kIpv4, Bytes(size, 0x7e)),
                 [&](const Frame& frame) { places.push_back(frame.information.data()); });
  ASSERT_EQ(places.size(), 3U);
  EXPECT_EQ(places[0], places[1]);
  EXPECT_EQ(places[0], places[2]);
}

// RFC 1662 section 4.2: a mapped character is removed before the escape is looked at.
TEST(HdlcDecoder, DropsAMappedCharacterBetweenAnEscapeAndItsOctet) {
  Bytes stream = encoded(kIpv4, Bytes(40, 0x7e), FramingOptions{});
  for (std::size_t i = stream.size() - 1; i > 0; --i)
    if (stream[i - 1] == kControlEscape) stream.insert(stream.begin() + static_cast<std::ptrdiff_t>(i), 0x11);
  HdlcDecoder decoder{1500};
  EXPECT_EQ(frames_of(decoder, stream), (std::vector<OwnedFrame>{{kIpv4, Bytes(40, 0x7e)}}));
}

// What a decoder made of a stream, in whatever pieces it came.
struct Outcome {
  std::vector<OwnedFrame> frames;
  std::vector<std::uint64_t> positions;
  DecoderCounters counters;
  std::string text;
  std::uint64_t text_octets = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome outcome_of(ConstBytes stream, const std::vector<std::size_t>& cuts,
                   const FramingKernels& kernels = best_kernels()) {
  Outcome outcome;
  HdlcDecoder decoder{40, kernels};
  decoder.set_receive_accm(0);
  const auto keep = [&outcome](const Frame& frame) {
    outcome.frames.push_back({frame.protocol, Bytes(frame.information.begin(), frame.information.end())});
    outcome.positions.push_back(frame.position);
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
  return outcome;
}

// Text, good frames of each header form, and one of each kind that is dropped.
Bytes mixed_stream() {
  const Bytes compressed = encoded(
      kIpv4, Bytes{1, 2, 3},
      FramingOptions{.accm = 0, .protocol_field_compression = true, .address_control_compression = true});
  Bytes damaged = hello();
  damaged[4] ^= 0x10;
  const Bytes aborted{kFlag, 0xff, 0x03, kControlEscape, kFlag};
  Bytes escaped_first = raw_frame({0xff, 0x03, 0x00, 0x21, 0x45});
  escaped_first[1] ^= kEscapeBit;
  escaped_first.insert(escaped_first.begin() + 1, kControlEscape);
  return text("motd ~ text") + encoded(0xc021, Bytes{1, 1, 0, 4}) + hello() + damaged + compressed + aborted +
         Bytes{kFlag, 9, 9, kFlag} + encoded(kIpv4, Bytes(60, 0x7d)) + raw_frame({0xff, 0x77, 0, 0x21}) +
         escaped_first + hello();
}

TEST(HdlcDecoder, MakesTheSameOfEveryCutInTwoAndInThree) {
  const Bytes stream = mixed_stream();
  const Outcome whole = outcome_of(stream, {});
  ASSERT_EQ(whole.frames.size(), 5U);
  for (std::size_t first = 0; first <= stream.size(); ++first)
    for (std::size_t second = first; second <= stream.size(); ++second)
      ASSERT_EQ(outcome_of(stream, {first, second}), whole) << "cut at " << first << " and " << second;
}

TEST(HdlcDecoder, MakesTheSameWithPortableKernels) {
  const Bytes stream = mixed_stream();
  EXPECT_EQ(outcome_of(stream, {}, portable_kernels()), outcome_of(stream, {}));
}

TEST(HdlcDecoder, MakesTheSameOfSingleOctets) {
  const Bytes stream = mixed_stream();
  std::vector<std::size_t> cuts;
  for (std::size_t cut = 1; cut < stream.size(); ++cut) cuts.push_back(cut);
  EXPECT_EQ(outcome_of(stream, cuts), outcome_of(stream, {}));
}

}  // namespace
}  // namespace isthmus::ppp
