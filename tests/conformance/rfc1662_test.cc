// RFC 1662, "PPP in HDLC-like Framing": each suite names the section it shows to be kept. Stream octets are
// written as one would read them off the line.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "ppp/control_packet.h"
#include "ppp/fcs.h"
#include "ppp/hdlc_decoder.h"
#include "ppp/hdlc_encoder.h"

namespace isthmus::ppp {
namespace {

constexpr std::uint16_t kLcp = 0xc021;
constexpr std::uint16_t kIpv4 = 0x0021;

// "7eff" as two octets; blanks are for the eye.
Bytes octets(std::string_view hex) {
  Bytes out;
  std::string digits;
  for (const char digit : hex) {
    if (digit == ' ') continue;
    digits += digit;
    if (digits.size() < 2) continue;
    out.push_back(static_cast<std::uint8_t>(std::stoi(digits, nullptr, 16)));
    digits.clear();
  }
  return out;
}

struct Received {
  std::uint16_t protocol = 0;
  Bytes information;
  friend bool operator==(const Received&, const Received&) = default;
};
using Frames = std::vector<Received>;

struct Receiver {
  explicit Receiver(std::uint32_t accm) { decoder.set_receive_accm(accm); }

  Frames receive(const Bytes& stream) {
    Frames frames;
    decoder.feed(stream, [&frames](const Frame& frame) {
      frames.push_back({frame.protocol, Bytes(frame.information.begin(), frame.information.end())});
    });
    return frames;
  }

  HdlcDecoder decoder{1500};
};

Bytes sent(std::uint16_t protocol, const Bytes& information, const FramingOptions& options) {
  Bytes out;
  encode_frame(protocol, information, options, out);
  return out;
}

// Whether an IPv4 frame of `information`, sent with this map, has `hex` right behind its header.
bool sends_as(const Bytes& information, std::uint32_t accm, std::string_view hex) {
  const std::string header = accm == 0 ? "7eff030021" : "7eff7d237d2021";
  const Bytes line = sent(kIpv4, information, {.accm = accm});
  return text_of(line).starts_with(text_of(octets(header + std::string{hex})));
}

bool begins_with(const Bytes& whole, const Bytes& part) {
  return text_of(whole).starts_with(text_of(part));
}

// What Debian's pppd 2.4.9 sends first, with the options `noccp novj nopcomp noaccomp default-asyncmap
// nomagic`: a Configure-Request without options.
constexpr std::string_view kPlainRequest = "7eff7d23c0217d217d217d207d24d1b57e";
// The same with its default options; the magic number is of that run.
constexpr std::string_view kDefaultRequest =
    "7eff7d23c0217d217d217d207d347d227d267d207d207d207d207d257d26b6924f9a7d277d227d287d227d5e637e";

TEST(Rfc1662Section31, TwoFlagsInARowAreNoFrameAndNoError) {
  Receiver receiver{0};
  EXPECT_TRUE(receiver.receive(octets("7e7e7e7e")).empty());
  EXPECT_EQ(receiver.decoder.counters(), DecoderCounters{});
}

TEST(Rfc1662Section31, OneFlagIsEnoughBetweenTwoFrames) {
  Receiver receiver{0xffffffff};
  const Bytes stream = octets("7eff7d23c0217d217d217d207d24d1b57eff7d23c0217d217d217d207d24d1b57e");
  EXPECT_EQ(receiver.receive(stream).size(), 2U);
}

TEST(Rfc1662Section31, AnUnrecognisedAddressOrControlIsDiscarded) {
  Receiver receiver{0};
  Bytes frame = octets("ff13c02101010004");
  const auto fcs = static_cast<std::uint16_t>(~fcs16(frame));
  frame.push_back(static_cast<std::uint8_t>(fcs));
  frame.push_back(static_cast<std::uint8_t>(fcs >> 8));
  frame.insert(frame.begin(), 0x7e);
  frame.push_back(0x7e);
  EXPECT_TRUE(receiver.receive(frame).empty());
  EXPECT_EQ(receiver.decoder.counters(), DecoderCounters{.malformed = 1});
}

TEST(Rfc1662Section31, TheFcsIsSentLowOctetFirst) {
  EXPECT_EQ(static_cast<std::uint16_t>(~fcs16(octets("ff03c02101010004"))), 0xb5d1);
  EXPECT_TRUE(text_of(octets(kPlainRequest)).ends_with(text_of(octets("d1b57e"))));
}

TEST(Rfc1662Section31, MappedOctetsAreDiscardedBeforeTheFcs) {
  Receiver receiver{1U << 0x11 | 1U << 0x13};
  EXPECT_EQ(receiver.receive(octets("7e ff 11 7d23 c021 13 7d217d217d207d24 d111b5 7e")).size(), 1U);
}

TEST(Rfc1662Section32, FramesWithAndWithoutAddressAndControlAreToldApart) {
  const Bytes information{0x45};
  const Bytes full = sent(kIpv4, information, {.accm = 0});
  const Bytes compressed = sent(kIpv4, information, {.accm = 0, .address_control_compression = true});
  EXPECT_EQ(full.size(), compressed.size() + 2);
  Receiver receiver{0};
  EXPECT_EQ(receiver.receive(full), receiver.receive(compressed));
}

TEST(Rfc1662Section32, TheReservedProtocol00ffIsNeverSentInOneOctet) {
  const FramingOptions compressed{
      .accm = 0, .protocol_field_compression = true, .address_control_compression = true};
  EXPECT_TRUE(begins_with(sent(0x00ff, {0x03}, compressed), octets("7e00ff03")));
}

TEST(Rfc1662Section42, FlagAndControlEscapeAreAlwaysEscaped) {
  EXPECT_TRUE(sends_as({0x7e}, 0, "7d5e"));
  EXPECT_TRUE(sends_as({0x7d}, 0, "7d5d"));
}

TEST(Rfc1662Section42, MappedCharactersAreEscapedAndOthersNot) {
  EXPECT_TRUE(sends_as({0x03, 0x11, 0x13, 0x91}, 0xffffffff, "7d237d317d3391"));
  EXPECT_TRUE(sends_as({0x03, 0x11, 0x13, 0x91}, 0, "03111391"));
}

TEST(Rfc1662Section42, AControlEscapeIsUnderstoodAlsoWhereNoneWasNeeded) {
  Bytes stream{0x7e};
  for (const std::uint8_t octet : octets("ff03c02101010004d1b5")) {
    stream.push_back(0x7d);
    stream.push_back(octet ^ 0x20);
  }
  stream.push_back(0x7e);
  Receiver receiver{0};
  EXPECT_EQ(receiver.receive(stream), (Frames{{kLcp, octets("01010004")}}));
}

TEST(Rfc1662Section42, AMappedCharacterIsRemovedAlsoBehindAControlEscape) {
  Receiver receiver{0xffffffff};
  EXPECT_EQ(receiver.receive(octets("7eff7d1123c0217d217d217d207d24d1b57e")),
            (Frames{{kLcp, octets("01010004")}}));
}

TEST(Rfc1662Section43, LessThanFourOctetsAreDiscardedAndNoFcsError) {
  Receiver receiver{0};
  EXPECT_TRUE(receiver.receive(octets("7e 21 7e 21aa 7e 21aabb 7e")).empty());
  EXPECT_EQ(receiver.decoder.counters(), DecoderCounters{.too_short = 3});
}

TEST(Rfc1662Section43, ControlEscapeAndFlagAbortAFrame) {
  Receiver receiver{0};
  EXPECT_TRUE(receiver.receive(octets("7e ff03c02101010004d1b5 7d7e")).empty());
  EXPECT_EQ(receiver.decoder.counters(), DecoderCounters{.aborted = 1});
}

TEST(Rfc1662Section442, EachFrameIsSentWithAnOpeningFlag) {
  Bytes out;
  encode_frame(kLcp, octets("01010004"), {}, out);
  const std::size_t first = out.size();
  encode_frame(kLcp, octets("01010004"), {}, out);
  EXPECT_EQ(out[0], 0x7e);
  EXPECT_EQ(out[first - 1], 0x7e);
  EXPECT_EQ(out[first], 0x7e);
}

TEST(Rfc1662Section71, WithoutNegotiationAllControlCharactersAreMappedBothWays) {
  EXPECT_EQ(FramingOptions{}.accm, 0xffffffff);
  HdlcDecoder decoder{1500};
  int frames = 0;
  Bytes stream = octets(kPlainRequest);
  stream.insert(stream.begin() + 5, {0x00, 0x0a, 0x1f});
  decoder.feed(stream, [&frames](const Frame&) { ++frames; });
  EXPECT_EQ(frames, 1);
}

TEST(Rfc1662Section71, BitNOfTheMapIsCharacterN) {
  for (std::uint8_t character = 0; character < 0x20; ++character) {
    const Bytes escaped{0x7d, static_cast<std::uint8_t>(character ^ 0x20)};
    const std::uint32_t only_this = std::uint32_t{1} << character;
    EXPECT_NE(sent(kIpv4, {character}, {.accm = only_this}), sent(kIpv4, {character}, {.accm = 0}));
    const Bytes line = sent(kIpv4, {character}, {.accm = only_this, .address_control_compression = true});
    EXPECT_NE(text_of(line).find(text_of(escaped)), std::string_view::npos) << int{character};
  }
}

TEST(Rfc1662AppendixB, AllThreeBeginningsOfAnLcpFrameAreUnderstood) {
  const std::string rest = "7d217d217d207d24d1b57e";
  for (const std::string_view beginning : {"7eff03c021", "7eff7d23c021", "7e7ddf7d23c021"}) {
    Receiver receiver{0};
    EXPECT_EQ(receiver.receive(octets(std::string{beginning} + rest)), (Frames{{kLcp, octets("01010004")}}));
  }
}

TEST(Rfc1662AppendixC, ResidueAndCheckValue) {
  EXPECT_EQ(static_cast<std::uint16_t>(~fcs16(bytes_of("123456789"))), 0x906e);
  EXPECT_EQ(fcs16(octets("ff03c02101010004d1b5")), kGoodFcs);
}

TEST(Rfc1662AgainstPppd, ItsFirstOctetsAreReadAndWrittenAlike) {
  Receiver receiver{0xffffffff};
  for (const std::string_view line : {kPlainRequest, kDefaultRequest}) {
    const Frames frames = receiver.receive(octets(line));
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0].protocol, kLcp);
    EXPECT_EQ(sent(kLcp, frames[0].information, {.accm = 0}), octets(line));
  }
}

TEST(Rfc1662AgainstPppd, ItsDefaultRequestHoldsFourOptions) {
  Receiver receiver{0xffffffff};
  const Frames frames = receiver.receive(octets(kDefaultRequest));
  ASSERT_EQ(frames.size(), 1U);
  const Result<ControlPacket> packet = parse_control_packet(frames[0].information);
  ASSERT_TRUE(packet.has_value());
  const Result<std::vector<Option>> options = parse_options(packet->data);
  ASSERT_TRUE(options.has_value());
  ASSERT_EQ(options->size(), 4U);
  EXPECT_EQ((*options)[0].type, 2);
  EXPECT_EQ((*options)[1].type, 5);
  EXPECT_EQ((*options)[2].type, 7);
  EXPECT_EQ((*options)[3].type, 8);
}

// The worked examples of docs/protocol/ppp-over-ssh.md.
TEST(PppOverSshPage, ItsConfigureRequestIsWhatWeSend) {
  const Bytes information = octets("01010014 020600000000 05061b2c3d7e 0702 0802");
  EXPECT_EQ(
      sent(kLcp, information, {.accm = 0}),
      octets("7e ff7d23 c021 7d217d217d207d34 7d227d267d207d207d207d20 7d257d267d3b2c3d7d5e 7d277d22 7d287d22"
             "66b9 7e"));
}

TEST(PppOverSshPage, ItsIpv4PacketIsWhatWeSend) {
  const Bytes packet = octets("4500001c00004000400170bc c106230c c106250c 0800f7f700070001");
  const FramingOptions compressed{
      .accm = 0, .protocol_field_compression = true, .address_control_compression = true};
  EXPECT_EQ(sent(kIpv4, packet, compressed),
            octets("7e 21 4500001c00004000400170bc c106230c c106250c 0800f7f700070001 1d24 7e"));
}

}  // namespace
}  // namespace isthmus::ppp
