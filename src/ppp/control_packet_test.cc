#include "ppp/control_packet.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace isthmus::ppp {
namespace {

Bytes owned(ConstBytes octets) {
  return {octets.begin(), octets.end()};
}

TEST(ControlPacket, IsReadBackAsItWasWritten) {
  Bytes octets;
  append_control_packet(Code::kEchoRequest, 7, Bytes{1, 2, 3, 4}, octets);
  EXPECT_EQ(octets, (Bytes{9, 7, 0, 8, 1, 2, 3, 4}));

  const Result<ControlPacket> packet = parse_control_packet(octets);
  ASSERT_TRUE(packet.has_value());
  EXPECT_EQ(packet->code, 9);
  EXPECT_EQ(packet->identifier, 7);
  EXPECT_EQ(owned(packet->data), (Bytes{1, 2, 3, 4}));
}

TEST(ControlPacket, TakesOctetsBeyondItsLengthAsPadding) {
  const Bytes octets{1, 1, 0, 5, 0xaa, 0, 0, 0};
  EXPECT_EQ(owned(parse_control_packet(octets)->data), Bytes{0xaa});
}

TEST(ControlPacket, IsRefusedWithALengthBelowItsHeader) {
  for (std::uint8_t length = 0; length < kControlHeaderSize; ++length)
    EXPECT_FALSE(parse_control_packet(Bytes{1, 1, 0, length, 0, 0})) << int{length};
}

TEST(ControlPacket, IsRefusedWithALengthBeyondTheFrame) {
  EXPECT_FALSE(parse_control_packet(Bytes{1, 1, 0, 5}));
  EXPECT_FALSE(parse_control_packet(Bytes{1, 1, 0xff, 0xff, 0}));
}

TEST(ControlPacket, IsRefusedWhenItsHeaderIsCut) {
  for (std::size_t size = 0; size < kControlHeaderSize; ++size)
    EXPECT_FALSE(parse_control_packet(Bytes(size, 1))) << size;
}

TEST(ControlPacket, KeepsACodeItDoesNotKnow) {
  EXPECT_EQ(parse_control_packet(Bytes{200, 1, 0, 4})->code, 200);
}

TEST(ControlPacket, KnowsCodes1To13) {
  EXPECT_FALSE(known_code(0));
  for (std::uint8_t code = 1; code <= 13; ++code) EXPECT_EQ(known_code(code), Code{code});
  EXPECT_FALSE(known_code(14));
  EXPECT_FALSE(known_code(255));
}

TEST(Options, AreReadBackAsTheyWereWritten) {
  Bytes octets;
  append_option(5, Bytes{1, 2, 3, 4}, octets);
  append_option(7, {}, octets);
  EXPECT_EQ(octets, (Bytes{5, 6, 1, 2, 3, 4, 7, 2}));

  const Result<std::vector<Option>> options = parse_options(octets);
  ASSERT_TRUE(options.has_value());
  ASSERT_EQ(options->size(), 2U);
  EXPECT_EQ((*options)[0].type, 5);
  EXPECT_EQ(owned((*options)[0].value), (Bytes{1, 2, 3, 4}));
  EXPECT_EQ((*options)[1].type, 7);
  EXPECT_TRUE((*options)[1].value.empty());
}

TEST(Options, MayBeNone) {
  EXPECT_TRUE(parse_options({})->empty());
}

TEST(Options, KeepTheirOrderAndDuplicates) {
  const Bytes octets{8, 2, 7, 2, 8, 2};
  const Result<std::vector<Option>> options = parse_options(octets);
  ASSERT_TRUE(options.has_value());
  ASSERT_EQ(options->size(), 3U);
  EXPECT_EQ((*options)[0].type, 8);
  EXPECT_EQ((*options)[2].type, 8);
}

TEST(Options, AreRefusedWithLengthZeroOrOne) {
  EXPECT_FALSE(parse_options(Bytes{7, 0}));
  EXPECT_FALSE(parse_options(Bytes{7, 1}));
  EXPECT_FALSE(parse_options(Bytes{7, 2, 1, 0, 0, 0}));
}

TEST(Options, AreRefusedWhenOneRunsPastTheEnd) {
  EXPECT_FALSE(parse_options(Bytes{5}));
  EXPECT_FALSE(parse_options(Bytes{5, 6, 1, 2, 3}));
  EXPECT_FALSE(parse_options(Bytes{5, 255, 1}));
}

TEST(Options, TakeTheLongestValue) {
  Bytes octets;
  append_option(1, Bytes(kMaxOptionValue, 0xab), octets);
  EXPECT_EQ(octets[1], 255);
  EXPECT_EQ(parse_options(octets)->front().value.size(), kMaxOptionValue);
}

TEST(VendorData, StartsWithTheOui) {
  Bytes octets;
  append_oui(0x024953, octets);
  octets.push_back(0x77);
  const Result<VendorData> vendor = split_vendor_data(octets);
  ASSERT_TRUE(vendor.has_value());
  EXPECT_EQ(vendor->oui, 0x024953U);
  EXPECT_EQ(owned(vendor->data), Bytes{0x77});
}

TEST(VendorData, IsRefusedWithoutAWholeOui) {
  EXPECT_FALSE(split_vendor_data(Bytes{0x02, 0x49}));
}

}  // namespace
}  // namespace isthmus::ppp
