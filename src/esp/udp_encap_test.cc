#include "esp/udp_encap.h"

#include <gtest/gtest.h>

namespace isthmus::esp {
namespace {

TEST(UdpEncap, KnowsAKeepaliveByItsOneOctet) {
  EXPECT_EQ(classify(Bytes{0xff}), UdpPayload::kKeepalive);
  EXPECT_EQ(classify(Bytes{0xfe}), UdpPayload::kTooShort);
  EXPECT_EQ(classify(Bytes{0xff, 0xff}), UdpPayload::kTooShort);
}

TEST(UdpEncap, KnowsTheNonEspMarker) {
  EXPECT_EQ(classify(Bytes{0, 0, 0, 0}), UdpPayload::kNonEsp);
  EXPECT_EQ(classify(Bytes{0, 0, 0, 0, 1, 2, 3}), UdpPayload::kNonEsp);
  EXPECT_EQ(classify(Bytes{0, 0, 0}), UdpPayload::kTooShort);
}

TEST(UdpEncap, TakesTheRestForEsp) {
  EXPECT_EQ(classify(Bytes{0, 0, 0, 1}), UdpPayload::kEsp);
  EXPECT_EQ(classify(Bytes{0xff, 0xff, 0xff, 0xff, 0}), UdpPayload::kEsp);
  EXPECT_EQ(classify(Bytes{}), UdpPayload::kTooShort);
}

}  // namespace
}  // namespace isthmus::esp
