#include "esp/probe.h"

#include <gtest/gtest.h>

#include "esp/esp_format.h"
#include "net/big_endian.h"

namespace isthmus::esp {
namespace {

Bytes written(const Probe& probe, std::size_t size) {
  Bytes out(size, 0xaa);
  write_probe(probe, out);
  return out;
}

TEST(Probe, ComesBackAsItWasWritten) {
  for (const Probe::Kind kind : {Probe::Kind::kRequest, Probe::Kind::kEcho}) {
    const Probe probe{kind, 0x0123456789abcdef};
    for (const std::size_t size : {kMinProbe, std::size_t{1402}, kMaxProbe})
      EXPECT_EQ(parse_probe(written(probe, size)), probe) << size;
  }
}

TEST(Probe, IsNotFoundInAnothersDummy) {
  const Bytes good = written({Probe::Kind::kRequest, 5}, 32);
  for (const std::size_t at : {0U, 1U, 2U, 3U, 4U, 6U, 7U}) {
    Bytes other = good;
    other[at] ^= 0x40;
    EXPECT_EQ(parse_probe(other), std::nullopt) << at;
  }
  EXPECT_EQ(parse_probe(Bytes{}), std::nullopt);
  EXPECT_EQ(parse_probe(ConstBytes{good}.first(31)), std::nullopt);
  Bytes short_one = written({Probe::Kind::kRequest, 5}, kMinProbe);
  short_one.resize(kProbeFields);
  short_one[7] = kProbeFields;
  EXPECT_EQ(parse_probe(short_one), std::nullopt);
}

// A datagram over IPv6 has room for it, and its echo would have none over IPv4.
TEST(Probe, IsNoneThatIsLongerThanOneOfOurs) {
  for (const std::size_t size : {kMaxProbe + 1, std::size_t{65490}}) {
    Bytes longer = written({Probe::Kind::kRequest, 5}, kMaxProbe);
    longer.resize(size);
    store_u16(longer, 6, static_cast<std::uint16_t>(size));
    EXPECT_EQ(parse_probe(longer), std::nullopt) << size;
  }
}

TEST(Probe, IgnoresTheOctetKeptForLater) {
  Bytes later = written({Probe::Kind::kEcho, 5}, 32);
  later[5] = 9;
  EXPECT_EQ(parse_probe(later), (Probe{Probe::Kind::kEcho, 5}));
}

TEST(Probe, FillsTheOuterPacketUpToTheLastStepOfFour) {
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    for (std::size_t outer = 1200; outer <= 9000; ++outer) {
      const std::size_t made = outer_size(sealed_size(probe_size(outer, family)), family);
      ASSERT_LE(made, outer);
      ASSERT_GT(made + 4, outer);
    }
  }
}

TEST(Probe, IsNeverSmallerThanItsFieldsNorLargerThanUdp) {
  EXPECT_EQ(probe_size(0, Family::kIpv4), kMinProbe);
  EXPECT_EQ(probe_size(80, Family::kIpv6), kMinProbe);
  EXPECT_EQ(probe_size(1'000'000, Family::kIpv6), kMaxProbe);
}

}  // namespace
}  // namespace isthmus::esp
