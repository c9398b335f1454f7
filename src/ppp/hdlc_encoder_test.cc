#include "ppp/hdlc_encoder.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/seeded_random.h"
#include "ppp/fcs.h"
#include "ppp/hdlc.h"

namespace isthmus::ppp {
namespace {

constexpr std::uint16_t kLcp = 0xc021;
constexpr std::uint16_t kIpv4 = 0x0021;
constexpr FramingOptions kNothingEscaped{.accm = 0};
constexpr FramingOptions kAllCompressed{
    .accm = 0, .protocol_field_compression = true, .address_control_compression = true};

Bytes encoded(std::uint16_t protocol, ConstBytes information, const FramingOptions& options) {
  Bytes out;
  encode_frame(protocol, information, options, out);
  return out;
}

// The octets between the flags, unstuffed by the plain reading of RFC 1662 section 4.2.
Bytes unstuffed(const Bytes& frame) {
  Bytes octets;
  for (std::size_t i = 1; i + 1 < frame.size(); ++i) {
    if (frame[i] == kControlEscape)
      octets.push_back(frame[++i] ^ 0x20);
    else
      octets.push_back(frame[i]);
  }
  return octets;
}

TEST(HdlcEncoder, EscapesFlagAndEscapeEvenWithAnEmptyMap) {
  const Bytes frame = encoded(kIpv4, Bytes{0x7e, 0x7d, 0x01}, kNothingEscaped);
  const Bytes expected{0x7e, 0xff, 0x03, 0x00, 0x21, 0x7d, 0x5e, 0x7d, 0x5d, 0x01};
  EXPECT_TRUE(std::ranges::equal(ConstBytes{frame}.first(expected.size()), expected));
}

TEST(HdlcEncoder, EscapesJustTheControlCharactersOfTheMap) {
  const FramingOptions xon_xoff{.accm = 1U << 0x11 | 1U << 0x13};
  const Bytes frame = encoded(kIpv4, Bytes{0x10, 0x11, 0x12, 0x13, 0x91}, xon_xoff);
  const Bytes expected{0x7e, 0xff, 0x03, 0x00, 0x21, 0x10, 0x7d, 0x31, 0x12, 0x7d, 0x33, 0x91};
  EXPECT_TRUE(std::ranges::equal(ConstBytes{frame}.first(expected.size()), expected));
}

TEST(HdlcEncoder, LeavesOutAddressControlAndTheZeroOfTheProtocolWhenThePeerAskedForIt) {
  const Bytes frame = encoded(kIpv4, Bytes{0x45}, kAllCompressed);
  EXPECT_EQ(frame[1], 0x21);
  EXPECT_EQ(frame[2], 0x45);
  EXPECT_EQ(fcs16(unstuffed(frame)), kGoodFcs);
}

TEST(HdlcEncoder, KeepsTwoOctetsOfAProtocolThatHasNoShortForm) {
  EXPECT_EQ(unstuffed(encoded(0x8021, {}, kAllCompressed))[0], 0x80);
  EXPECT_EQ(unstuffed(encoded(0x0020, {}, kAllCompressed))[0], 0x00);
  EXPECT_EQ(unstuffed(encoded(0x00ff, {}, kAllCompressed))[0], 0x00);
}

TEST(HdlcEncoder, SendsLcpInFullAndFullyEscapedWhateverWasAgreed) {
  const Bytes information{0x01, 0x01, 0x00, 0x04};
  EXPECT_EQ(encoded(kLcp, information, kAllCompressed), encoded(kLcp, information, FramingOptions{}));
  EXPECT_EQ(unstuffed(encoded(kLcp, information, kAllCompressed))[0], kAllStations);
}

TEST(HdlcEncoder, AppendsBehindWhatIsThere) {
  Bytes out{0x55};
  encode_frame(kIpv4, {}, kNothingEscaped, out);
  EXPECT_EQ(out[0], 0x55);
  EXPECT_EQ(out[1], kFlag);
}

TEST(HdlcEncoder, NeverSendsAMappedCharacterOrAFlagWithinAFrame) {
  SeededRandom random{42};
  for (int round = 0; round < 200; ++round) {
    Bytes information(random.u32() % 300);
    random.fill(information);
    const FramingOptions options{.accm = random.u32()};
    const Bytes frame = encoded(kIpv4, information, options);
    ASSERT_LE(frame.size(), max_encoded_size(information.size()));
    for (const std::uint8_t octet : ConstBytes{frame}.subspan(1, frame.size() - 2))
      ASSERT_FALSE(octet == kFlag || is_mapped(options.accm, octet)) << "round " << round;
    ASSERT_EQ(fcs16(unstuffed(frame)), kGoodFcs);
  }
}

// Across the pieces in which long information is taken.
TEST(HdlcEncoder, EscapesLongInformationAsShort) {
  SeededRandom random{65535};
  for (const std::size_t size : {4095U, 4096U, 4097U, 12288U, 65539U})
    for (const std::uint32_t accm : {0U, 0xffffffffU}) {
      Bytes information(size);
      random.fill(information);
      const Bytes octets = unstuffed(encoded(kIpv4, information, {.accm = accm}));
      ASSERT_EQ(octets.size(), 4 + size + 2);
      EXPECT_EQ(fcs16(octets), kGoodFcs);
      EXPECT_TRUE(std::ranges::equal(ConstBytes{octets}.subspan(4, size), information));
    }
}

TEST(HdlcEncoder, MakesTheSameFrameOfInformationInTwoPlaces) {
  SeededRandom random{91};
  for (const std::size_t size : {4U, 5U, 100U, 1404U, 65539U}) {
    Bytes information(size);
    random.fill(information);
    const SplitInformation split{ConstBytes{information}.first(4), ConstBytes{information}.subspan(4)};
    Bytes out;
    encode_frame(kIpv4, split, kAllCompressed, out);
    EXPECT_EQ(out, encoded(kIpv4, information, kAllCompressed)) << size << " octets";
  }
}

TEST(HdlcEncoder, AllocatesNothingWhereThereIsRoom) {
  const Bytes information(65'535, 0x7e);
  Bytes out;
  out.reserve(max_encoded_size(information.size()));
  const std::uint8_t* const before = out.data();
  encode_frame(kIpv4, information, FramingOptions{}, out);
  EXPECT_EQ(out.data(), before);
}

TEST(HdlcEncoder, MaxEncodedSizeIsReachedWhenEveryOctetIsEscaped) {
  const Bytes information(1500, 0x7e);
  const std::size_t size = encoded(kIpv4, information, FramingOptions{}).size();
  EXPECT_LE(size, max_encoded_size(1500));
  EXPECT_GE(size, max_encoded_size(1500) - 6);  // 0xff, 0x21 and the FCS need no escape of their own
}

}  // namespace
}  // namespace isthmus::ppp
