#include "net/prefix.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace isthmus {
namespace {

Prefix prefix(const char* text) {
  return Prefix::parse(text).value();
}
IpAddress address(const char* text) {
  return IpAddress::parse(text).value();
}

TEST(Prefix, ContainsItsOwnHostsOnly) {
  EXPECT_TRUE(prefix("193.6.35.0/24").contains(address("193.6.35.12")));
  EXPECT_FALSE(prefix("193.6.35.0/24").contains(address("193.6.36.12")));
  EXPECT_TRUE(prefix("2001:db8::/33").contains(address("2001:db8:7fff::1")));
  EXPECT_FALSE(prefix("2001:db8::/33").contains(address("2001:db8:8000::1")));
}

TEST(Prefix, NeverMixesFamilies) {
  EXPECT_FALSE(prefix("0.0.0.0/0").contains(address("::1")));
  EXPECT_FALSE(prefix("::/0").overlaps(prefix("0.0.0.0/0")));
}

TEST(Prefix, NamesTheNetworkWhenHostBitsAreSet) {
  const Result<Prefix> wrong = Prefix::parse("193.6.35.12/24");
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("193.6.35.0/24"), std::string::npos);
}

TEST(Prefix, RefusesWhatIsNoPrefix) {
  for (const char* text :
       {"", "/", "1.2.3.4/", "1.2.3.4/33", "::/129", "1.2.3.4/-1", "1.2.3.4/8x", "1.2.3/8", "example/24"}) {
    EXPECT_FALSE(Prefix::parse(text)) << text;
  }
}

TEST(Prefix, ContainsWhatDiffersBehindItsLengthAlone) {
  for (const char* const text : {"193.6.35.12", "2001:db8:7fff:1:2:3:4:5"}) {
    const IpAddress whole = address(text);
    for (int length = 0; length <= whole.bits(); ++length) {
      const Prefix network = Prefix::around(whole, length);
      EXPECT_TRUE(network.contains(whole));
      for (int bit = 0; bit < whole.bits(); ++bit) {
        std::vector<std::uint8_t> octets{whole.octets().begin(), whole.octets().end()};
        octets[static_cast<std::size_t>(bit / 8)] ^= static_cast<std::uint8_t>(0x80 >> bit % 8);
        EXPECT_EQ(network.contains(*IpAddress::from_octets(octets)), bit >= length)
            << text << " " << length << " " << bit;
      }
    }
  }
}

TEST(Prefix, OverlapsWhateverEitherContains) {
  EXPECT_TRUE(prefix("10.0.0.0/8").overlaps(prefix("10.1.0.0/16")));
  EXPECT_TRUE(prefix("10.1.0.0/16").overlaps(prefix("10.0.0.0/8")));
  EXPECT_FALSE(prefix("10.1.0.0/16").overlaps(prefix("10.2.0.0/16")));
}

TEST(IpAddress, KnowsWhatNoHostMayBeCalled) {
  for (const char* text : {"0.0.0.0", "0.1.2.3", "127.0.0.1", "169.254.1.1", "224.0.0.1", "255.255.255.255",
                           "240.0.0.1", "::", "::1", "fe80::1", "ff02::1", "::ffff:1.2.3.4"}) {
    EXPECT_FALSE(address(text).is_unicast_host()) << text;
  }
  EXPECT_TRUE(address("193.6.35.12").is_unicast_host());
  EXPECT_TRUE(address("fd00::1").is_unicast_host());
}

}  // namespace
}  // namespace isthmus
