#include "ppp/fcs.h"

#include <gtest/gtest.h>

#include "base/seeded_random.h"

namespace isthmus::ppp {
namespace {

std::uint16_t field_of(ConstBytes octets) {
  return static_cast<std::uint16_t>(~fcs16(octets));
}

// The remainder as RFC 1662 appendix C.1 defines it, a bit at a time.
std::uint16_t fcs_by_bits(ConstBytes octets) {
  unsigned fcs = kInitialFcs;
  for (const std::uint8_t octet : octets) {
    fcs ^= octet;
    for (int bit = 0; bit < 8; ++bit) fcs = (fcs & 1) != 0 ? (fcs >> 1) ^ 0x8408 : fcs >> 1;
  }
  return static_cast<std::uint16_t>(fcs);
}

TEST(Fcs16, HasTheX25CheckValue) {
  EXPECT_EQ(field_of(bytes_of("123456789")), 0x906e);
}

TEST(Fcs16, OfNothingIsTheInitialValue) {
  EXPECT_EQ(fcs16({}), kInitialFcs);
}

TEST(Fcs16, ContinuesWhereItStopped) {
  EXPECT_EQ(fcs16(bytes_of("456789"), fcs16(bytes_of("123"))), fcs16(bytes_of("123456789")));
}

TEST(Fcs16, OverItsOwnFieldIsTheGoodValue) {
  const Bytes trailer{0x6e, 0x90};
  EXPECT_EQ(fcs16(trailer, fcs16(bytes_of("123456789"))), kGoodFcs);
}

TEST(Fcs16, AgreesWithTheBitwiseDefinition) {
  SeededRandom random{1662};
  for (std::size_t size = 0; size < 600; ++size) {
    Bytes octets(size);
    random.fill(octets);
    ASSERT_EQ(fcs16(octets), fcs_by_bits(octets)) << "size " << size;
  }
}

TEST(Fcs16, SeesEverySingleBitError) {
  Bytes frame{0xff, 0x03, 0xc0, 0x21, 0x01, 0x01, 0x00, 0x04, 0xd1, 0xb5};
  ASSERT_EQ(fcs16(frame), kGoodFcs);
  for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
    const auto mask = static_cast<std::uint8_t>(1U << (bit % 8));
    frame[bit / 8] ^= mask;
    EXPECT_NE(fcs16(frame), kGoodFcs) << "bit " << bit;
    frame[bit / 8] ^= mask;
  }
}

}  // namespace
}  // namespace isthmus::ppp
