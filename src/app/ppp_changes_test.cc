#include "app/ppp_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace isthmus::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}

// A gateway with the article's inner network on lan0.
HostFacts gateway() {
  HostFacts facts;
  facts.interfaces.push_back({.name = "lan0",
                              .is_up = true,
                              .is_loopback = false,
                              .is_point_to_point = false,
                              .addresses = {{address("193.6.35.12"), 24}}});
  return facts;
}

const ppp::Ipv4Up kUp{address("192.168.0.1"), address("192.168.0.2"), {}};

const RouteChange kToPeer{.destination = Prefix::around(address("192.168.0.2"), 32),
                          .kind = RouteKind::kUnicast,
                          .interface = "ppp0",
                          .source = address("192.168.0.1"),
                          .table = 254,
                          .metric = 0};

TEST(PppChanges, AnAddressComesWithAWayToItsPeer) {
  const PppChanges changes = ipv4_changes("ppp0", kUp, {}, gateway());
  EXPECT_THAT(
      changes.needed,
      ElementsAre(HostChange{AddressChange{"ppp0", address("192.168.0.1"), 32, address("192.168.0.2")}},
                  HostChange{kToPeer}));
  EXPECT_THAT(changes.wished, IsEmpty());
}

TEST(PppChanges, ADefaultRouteIsMadeWhereThereIsNone) {
  config::PppOptions options;
  options.default_route = true;
  const PppChanges changes = ipv4_changes("ppp0", kUp, options, gateway());
  ASSERT_EQ(changes.wished.size(), 1U);
  EXPECT_TRUE(std::get<RouteChange>(changes.wished[0]).destination.is_default());
}

TEST(PppChanges, AnExistingDefaultRouteStays) {
  config::PppOptions options;
  options.default_route = true;
  HostFacts facts = gateway();
  facts.routes.push_back(
      {.destination = Prefix{}, .interface = "lan0", .gateway = std::nullopt, .table = 254, .protocol = 4});
  const PppChanges changes = ipv4_changes("ppp0", kUp, options, facts);
  EXPECT_THAT(changes.wished, IsEmpty());
  EXPECT_THAT(changes.omitted, ElementsAre(HasSubstr("lan0")));
}

TEST(PppChanges, ProxyArpAnswersOnTheInterfaceThatHoldsThePeersAddress) {
  config::PppOptions options;
  options.proxy_arp = true;
  const ppp::Ipv4Up up{address("193.6.35.12"), address("193.6.35.77"), {}};
  const PppChanges changes = ipv4_changes("ppp0", up, options, gateway());
  EXPECT_THAT(changes.wished, ElementsAre(HostChange{ProxyNeighbourChange{"lan0", address("193.6.35.77")}}));
}

TEST(PppChanges, ProxyArpWithoutSuchAnInterfaceIsLeftOutWithAReason) {
  config::PppOptions options;
  options.proxy_arp = true;
  const PppChanges changes = ipv4_changes("ppp0", kUp, options, gateway());
  EXPECT_THAT(changes.wished, IsEmpty());
  EXPECT_THAT(changes.omitted, ElementsAre(HasSubstr("192.168.0.2")));
}

TEST(PppChanges, InterfaceIdentifiersBecomeLinkLocalAddresses) {
  const PppChanges changes = ipv6_changes("ppp0", {0x0200'0000'0000'0001, 2});
  EXPECT_EQ(std::get<AddressChange>(changes.needed.at(0)),
            (AddressChange{"ppp0", address("fe80::200:0:0:1"), 128, address("fe80::2")}));
}

TEST(PppChanges, TheMtuIsNeverAboveThePeersMru) {
  config::PppOptions options;
  EXPECT_EQ(interface_mtu(options, 9000), 1500);
  options.mtu = 1400;
  EXPECT_EQ(interface_mtu(options, 1500), 1400);
  EXPECT_EQ(interface_mtu(options, 1300), 1300);
}

TEST(PppAddressPolicy, AnAddressOfOursIsNeverThePeers) {
  const PppAddressPolicy policy{gateway()};
  EXPECT_FALSE(policy.permits_remote(address("193.6.35.12")));
  EXPECT_TRUE(policy.permits_remote(address("193.6.35.13")));
}

TEST(PppAddressPolicy, WhatIsNoHostsAddressIsNobodys) {
  const PppAddressPolicy policy{HostFacts{}};
  for (const std::string_view text : {"127.0.0.1", "224.0.0.5", "255.255.255.255", "0.0.0.0"}) {
    EXPECT_FALSE(policy.permits_remote(address(text))) << text;
    EXPECT_FALSE(policy.permits_local(address(text))) << text;
  }
}

TEST(FrameStart, ATildeInALoginsTextIsNone) {
  EXPECT_FALSE(has_frame_start(bytes_of("slave@polanski:~$ ")));
  EXPECT_FALSE(has_frame_start(bytes_of("~")));
  EXPECT_TRUE(has_frame_start(bytes_of("welcome\r\n~\xFF}#")));
}

TEST(PppExit, EveryEndOfALinkHasPppdsNumber) {
  using config::PppExit;
  using ppp::LinkEnd;
  EXPECT_EQ(exit_of(LinkEnd::kClosedByUs), PppExit::kUserRequest);
  EXPECT_EQ(exit_of(LinkEnd::kTerminatedByPeer), PppExit::kHangup);
  EXPECT_EQ(exit_of(LinkEnd::kCarrierLost), PppExit::kHangup);
  EXPECT_EQ(exit_of(LinkEnd::kPeerDead), PppExit::kPeerDead);
  EXPECT_EQ(exit_of(LinkEnd::kNegotiationFailed), PppExit::kNegotiationFailed);
  EXPECT_EQ(exit_of(LinkEnd::kRefused), PppExit::kNegotiationFailed);
  EXPECT_EQ(exit_of(LinkEnd::kLoopback), PppExit::kLoopback);
}

}  // namespace
}  // namespace isthmus::app
