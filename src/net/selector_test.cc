#include "net/selector.h"

#include <gtest/gtest.h>

namespace isthmus {
namespace {

PacketView packet(const char* source, const char* destination) {
  const IpAddress from = IpAddress::parse(source).value();
  return {from.family(), from, IpAddress::parse(destination).value()};
}

const Selector kSelector{{Prefix::parse("193.6.37.0/24").value(), Prefix::parse("fe80::2").value()},
                         {Prefix::parse("193.6.35.0/24").value(), Prefix::parse("fe80::1").value()}};

TEST(Selector, LetsThePeersNetworkReachOurs) {
  EXPECT_TRUE(kSelector.permits_inbound(packet("193.6.37.20", "193.6.35.20")));
  EXPECT_TRUE(kSelector.permits_inbound(packet("fe80::2", "fe80::1")));
}

TEST(Selector, StopsASpoofedInnerSource) {
  EXPECT_FALSE(kSelector.permits_inbound(packet("193.6.35.1", "193.6.35.20")));
  EXPECT_FALSE(kSelector.permits_inbound(packet("10.0.0.1", "193.6.35.20")));
}

TEST(Selector, StopsOurOwnSourcesInsideAnAcceptedSupernetButNotTheProxiedHostsAmongThem) {
  const Selector selector{{Prefix::parse("193.6.0.0/16").value(), Prefix::parse("193.6.35.200").value()},
                          {Prefix::parse("193.6.35.0/24").value()},
                          {Prefix::parse("193.6.35.0/24").value()}};
  EXPECT_TRUE(selector.permits_inbound(packet("193.6.37.20", "193.6.35.20")));
  EXPECT_TRUE(selector.permits_inbound(packet("193.6.35.200", "193.6.35.20")));
  EXPECT_FALSE(selector.permits_inbound(packet("193.6.35.77", "193.6.35.20")));
}

TEST(Selector, StopsADestinationThatWasNotOffered) {
  EXPECT_FALSE(kSelector.permits_inbound(packet("193.6.37.20", "193.6.34.12")));
  EXPECT_FALSE(kSelector.permits_inbound(packet("193.6.37.20", "224.0.0.5")));
}

TEST(Selector, StopsWhatIsNeverRoutedThoughADefaultRouteHoldsIt) {
  const std::vector<Prefix> all{Prefix::parse("0.0.0.0/0").value(), Prefix::parse("::/0").value(),
                                Prefix::parse("fe80::2").value()};
  const Selector from_anywhere{all,
                               {Prefix::parse("193.6.35.0/24").value(), Prefix::parse("fe80::1").value()}};
  for (const char* nobody : {"0.0.0.1", "127.0.0.1", "169.254.169.254", "224.0.0.1", "240.0.0.1"}) {
    EXPECT_FALSE(from_anywhere.permits_inbound(packet(nobody, "193.6.35.20"))) << nobody;
  }
  EXPECT_TRUE(from_anywhere.permits_inbound(packet("8.8.8.8", "193.6.35.20")));
  EXPECT_TRUE(from_anywhere.permits_inbound(packet("fe80::2", "fe80::1")));
  EXPECT_FALSE(from_anywhere.permits_inbound(packet("fe80::3", "fe80::1")));

  const Selector to_anywhere{{Prefix::parse("2001:db8:37::/64").value()}, all};
  for (const char* nobody : {"::8.8.8.8", "::ffff:8.8.8.8", "ff02::1", "fe80::3"}) {
    EXPECT_FALSE(to_anywhere.permits_inbound(packet("2001:db8:37::1", nobody))) << nobody;
  }
  EXPECT_TRUE(to_anywhere.permits_inbound(packet("2001:db8:37::1", "2001:db8::1")));
}

TEST(PacketView, RefusesWhatIsNoWholePacket) {
  Bytes v4(20, 0);
  v4[0] = 0x45;
  v4[3] = 20;
  EXPECT_TRUE(view_packet(v4));
  v4[3] = 21;  // states more than there is
  EXPECT_FALSE(view_packet(v4));
  v4[3] = 19;  // states less than its header
  EXPECT_FALSE(view_packet(v4));
  v4[3] = 20;
  v4[0] = 0x44;
  EXPECT_FALSE(view_packet(v4));
  EXPECT_FALSE(view_packet(Bytes{}));
  EXPECT_FALSE(view_packet(Bytes(39, 0x60)));
}

TEST(PacketView, TellsThePacketFromWhatFollowsIt) {
  Bytes v4(24, 0);
  v4[0] = 0x45;
  v4[3] = 20;
  EXPECT_EQ(view_packet(v4)->length, 20U);
  Bytes v6(50, 0);
  v6[0] = 0x60;
  v6[5] = 6;
  EXPECT_EQ(view_packet(v6)->length, 46U);
}

}  // namespace
}  // namespace isthmus
