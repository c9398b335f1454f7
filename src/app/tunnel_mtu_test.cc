#include "app/tunnel_mtu.h"

#include <gtest/gtest.h>

namespace isthmus::app {
namespace {

constexpr Instant kNow{std::chrono::seconds{1000}};

TunnelMtu set_to_1500() {
  TunnelMtu mtu;
  mtu.agreed(1500);
  mtu.set(1500);
  return mtu;
}

TEST(TunnelMtu, IsTheLesserOfWhatIsAgreedOnAndWhatFits) {
  TunnelMtu mtu = set_to_1500();
  mtu.datagrams_take(1438);
  EXPECT_EQ(mtu.due(kNow), 1438);
  mtu.agreed(1400);
  EXPECT_EQ(mtu.wanted(), 1400);
}

TEST(TunnelMtu, IsNotAskedForTwice) {
  TunnelMtu mtu = set_to_1500();
  EXPECT_EQ(mtu.due(kNow), std::nullopt);
}

TEST(TunnelMtu, IsUnknownBeforeAnyAgreement) {
  TunnelMtu mtu;
  mtu.datagrams_take(1438);
  EXPECT_EQ(mtu.due(kNow), std::nullopt);
}

TEST(TunnelMtu, IsAskedForAgainWhereTheKernelRefusedIt) {
  TunnelMtu mtu = set_to_1500();
  mtu.datagrams_take(1438);
  mtu.refused(kNow);
  EXPECT_EQ(mtu.due(kNow), std::nullopt);
  EXPECT_EQ(mtu.next_deadline(), kNow + TunnelMtu::kPause);
  EXPECT_EQ(mtu.due(kNow + TunnelMtu::kPause), 1438);
}

TEST(TunnelMtu, IsAskedForEachMinuteAfterAFewTries) {
  TunnelMtu mtu = set_to_1500();
  mtu.datagrams_take(1438);
  Instant now = kNow;
  int tries = 0;
  for (; mtu.due(now); ++tries, now += TunnelMtu::kPause) mtu.refused(now);
  EXPECT_EQ(tries, TunnelMtu::kSoonTries);
  EXPECT_EQ(mtu.next_deadline(), now - TunnelMtu::kPause + TunnelMtu::kLongPause);
  EXPECT_EQ(mtu.due(*mtu.next_deadline()), 1438);
  mtu.datagrams_take(1400);
  EXPECT_EQ(mtu.due(now), 1400) << "what is told anew is tried anew";
}

TEST(TunnelMtu, IsTheAgreedOneAgainWithAPeerThatTakesNoDatagrams) {
  TunnelMtu mtu = set_to_1500();
  mtu.datagrams_take(1438);
  mtu.set(1438);
  mtu.datagrams_take(std::nullopt);
  EXPECT_EQ(mtu.due(kNow), 1500);
}

}  // namespace
}  // namespace isthmus::app
