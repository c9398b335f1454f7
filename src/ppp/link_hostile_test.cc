// Peers that break the rules, or keep them to the letter with bad intent: bounded work, bounded replies,
// nothing applied outside policy.
#include <gtest/gtest.h>

#include "ppp/link_solo.h"

namespace isthmus::ppp {
namespace {

using namespace std::chrono_literals;
using test::address_option;
using test::find;
using test::ip;
using test::option;
using test::OwnedFrame;
using test::Solo;

constexpr Protocol kAnyUnknown{0x80fd};  // CCP

// A link whose LCP is Opened and whose network protocols wait for the peer.
class Hostile : public testing::Test {
 protected:
  Hostile() : opening_(solo_.open_lcp()) { solo_.ack(opening_); }

  std::vector<OwnedFrame> request(Protocol protocol, ConstBytes options) {
    solo_.sent();
    solo_.feed(protocol, Code::kConfigureRequest, ++identifier_, options);
    return solo_.sent();
  }

  Solo solo_;
  std::vector<OwnedFrame> opening_;  // what it sent when LCP came up
  std::uint8_t identifier_ = 10;
};

// --- addresses

// Nothing is left of the link without IPv4.
LinkOptions ipv4_alone() {
  LinkOptions options = test::caller_options();
  options.vsncp = false;
  options.network->ipv6 = false;
  return options;
}

// It agrees to all that we ask, so that RFC 1661's counters start anew each time.
TEST(HostileRequests, ForAForbiddenAddressWithoutEndEndTheLinkAsRefused) {
  Solo solo(ipv4_alone());
  solo.policy.forbidden = ip("10.9.9.9");
  solo.ack(solo.open_lcp());
  int rounds = 0;
  for (; rounds < 100 && !solo.end(); ++rounds) {
    solo.feed(Protocol::kIpcp, Code::kConfigureRequest, static_cast<std::uint8_t>(rounds),
              address_option(3, "10.9.9.9"));
    solo.run(4s);
    solo.ack(solo.sent());
  }
  EXPECT_LT(rounds, 30);
  EXPECT_EQ(solo.end(), LinkEnd::kRefused);
  EXPECT_NE(solo.last<LinkDown>()->reason.find("10.9.9.9"), std::string::npos)
      << solo.last<LinkDown>()->reason;
}

// As pppd does once its address has been rejected: it goes on without one.
TEST(HostileRequests, ForAForbiddenAddressAndThenForNoneEndTheLinkAsRefusedToo) {
  Solo solo(ipv4_alone());
  solo.policy.forbidden = ip("10.9.9.9");
  solo.ack(solo.open_lcp());
  for (std::uint8_t round = 0; round < 6; ++round)
    solo.feed(Protocol::kIpcp, Code::kConfigureRequest, round, address_option(3, "10.9.9.9"));
  solo.feed(Protocol::kIpcp, Code::kConfigureRequest, 6, {});
  solo.ack(solo.sent());
  solo.run(10s);
  EXPECT_EQ(solo.end(), LinkEnd::kRefused);
  EXPECT_NE(solo.last<LinkDown>()->reason.find("10.9.9.9"), std::string::npos)
      << solo.last<LinkDown>()->reason;
}

class HostileAddress : public Hostile, public testing::WithParamInterface<const char*> {};

TEST_P(HostileAddress, IsNeverAccepted) {
  const auto frames = request(Protocol::kIpcp, address_option(3, GetParam()));
  EXPECT_FALSE(find(frames, Protocol::kIpcp, Code::kConfigureAck));
  EXPECT_EQ(find(frames, Protocol::kIpcp, Code::kConfigureNak)->data, address_option(3, "193.6.37.12"));
  EXPECT_EQ(solo_.count<Ipv4Up>(), 0U);
}

TEST_P(HostileAddress, IsNeverTakenFromANak) {
  LinkOptions options;
  options.network->local_ipv4.reset();
  Solo solo(options);
  const auto frames = solo.open_lcp();
  const auto asked = find(frames, Protocol::kIpcp, Code::kConfigureRequest);
  solo.feed(Protocol::kIpcp, Code::kConfigureNak, asked->identifier, address_option(3, GetParam()));
  solo.feed(Protocol::kIpcp, Code::kConfigureRequest, 1, address_option(3, "193.6.37.12"));
  solo.ack(solo.sent());
  EXPECT_EQ(solo.count<Ipv4Up>(), 0U);
}

TEST_P(HostileAddress, IsNoDnsServer) {
  LinkOptions options = test::caller_options();
  options.network->ask_for_dns = true;
  Solo solo(options);
  const auto asked = find(solo.open_lcp(), Protocol::kIpcp, Code::kConfigureRequest);
  Bytes nak = address_option(129, GetParam());
  const Bytes second = address_option(131, "193.6.37.54");
  nak.insert(nak.end(), second.begin(), second.end());
  solo.feed(Protocol::kIpcp, Code::kConfigureNak, asked->identifier, nak);
  solo.ack(solo.sent());
  solo.feed(Protocol::kIpcp, Code::kConfigureRequest, 1, address_option(3, "193.6.37.12"));
  ASSERT_EQ(solo.count<Ipv4Up>(), 1U);
  EXPECT_EQ(solo.last<Ipv4Up>()->dns, std::vector{ip("193.6.37.54")});
}

INSTANTIATE_TEST_SUITE_P(F24, HostileAddress,
                         testing::Values("0.0.0.0", "127.0.0.1", "255.255.255.255", "224.0.0.1", "0.1.2.3"));

TEST_F(Hostile, OurOwnAddressIsNotThePeers) {
  const auto frames = request(Protocol::kIpcp, address_option(3, "193.6.35.12"));
  EXPECT_FALSE(find(frames, Protocol::kIpcp, Code::kConfigureAck));
}

TEST_F(Hostile, AnAddressOutsideThePolicyIsNotThePeers) {
  solo_.policy.forbidden = ip("193.6.35.77");
  EXPECT_FALSE(
      find(request(Protocol::kIpcp, address_option(3, "193.6.35.77")), Protocol::kIpcp, Code::kConfigureAck));
  EXPECT_TRUE(
      find(request(Protocol::kIpcp, address_option(3, "10.1.1.1")), Protocol::kIpcp, Code::kConfigureAck));
}

TEST_F(Hostile, AnAddressInsistedOnIsRejectedAfterMaxFailure) {
  for (int round = 0; round < 5; ++round)
    EXPECT_TRUE(
        find(request(Protocol::kIpcp, address_option(3, "127.0.0.1")), Protocol::kIpcp, Code::kConfigureNak));
  const auto frames = request(Protocol::kIpcp, address_option(3, "127.0.0.1"));
  EXPECT_EQ(find(frames, Protocol::kIpcp, Code::kConfigureReject)->data, address_option(3, "127.0.0.1"));
}

TEST_F(Hostile, APeerThatNeverNamesItsAddressGetsNoIpv4) {
  for (int round = 0; round < 8; ++round) request(Protocol::kIpcp, {});
  EXPECT_EQ(solo_.count<Ipv4Up>(), 0U);
  EXPECT_EQ(solo_.last<ProtocolUnavailable>()->protocol, Protocol::kIpcp);
}

TEST_F(Hostile, WinsCompressionAndDeprecatedAddressesAreRejected) {
  Bytes options;
  for (const std::uint8_t type : Bytes{1, 2, 4, 130, 132, 200}) {
    const Bytes one = option(type, Bytes{0, 0x2d, 0, 0});
    options.insert(options.end(), one.begin(), one.end());
  }
  EXPECT_EQ(find(request(Protocol::kIpcp, options), Protocol::kIpcp, Code::kConfigureReject)->data, options);
}

// --- IPv6 identifiers

TEST_F(Hostile, AZeroOrEqualInterfaceIdentifierGetsAnother) {
  const Bytes ours = find(opening_, Protocol::kIpv6cp, Code::kConfigureRequest)->data;
  for (const Bytes& asked : {option(1, Bytes(8)), option(1, Bytes(3)), ours}) {
    const auto nak = find(request(Protocol::kIpv6cp, asked), Protocol::kIpv6cp, Code::kConfigureNak);
    ASSERT_TRUE(nak);
    ASSERT_EQ(nak->data.size(), 10U);
    EXPECT_NE(nak->data, option(1, Bytes(8)));
    EXPECT_EQ(nak->data[2] & 0x02, 0) << "not universal";
  }
}

TEST_F(Hostile, APeerWithoutInterfaceIdentifierIsAskedOnceAndGetsNoIpv6) {
  EXPECT_TRUE(find(request(Protocol::kIpv6cp, {}), Protocol::kIpv6cp, Code::kConfigureNak));
  EXPECT_FALSE(find(request(Protocol::kIpv6cp, {}), Protocol::kIpv6cp, Code::kConfigureNak));
  EXPECT_EQ(solo_.count<Ipv6Up>(), 0U);
  EXPECT_EQ(solo_.last<ProtocolUnavailable>()->protocol, Protocol::kIpv6cp);
}

// --- endless refusals

TEST_F(Hostile, EndlessNaksOfOurAddressEndIpcpAlone) {
  Solo solo;
  auto frames = solo.open_lcp();
  for (int round = 0; round < 20 && solo.count<ProtocolUnavailable>() == 0; ++round) {
    const auto asked = find(frames, Protocol::kIpcp, Code::kConfigureRequest);
    ASSERT_TRUE(asked);
    solo.feed(Protocol::kIpcp, Code::kConfigureNak, asked->identifier, address_option(3, "10.0.0.9"));
    frames = solo.sent();
  }
  EXPECT_EQ(solo.last<ProtocolUnavailable>()->protocol, Protocol::kIpcp);
  EXPECT_FALSE(solo.end());
}

// --- rejects

TEST_F(Hostile, UnknownProtocolsAreRejectedOncePerFrameWithinThePeersMru) {
  const Bytes whole(1500, 0xaa);
  for (int i = 0; i < 100; ++i) {
    solo_.feed(kAnyUnknown, whole);
    const auto frames = solo_.sent();
    ASSERT_EQ(frames.size(), 1U);
    ASSERT_EQ(frames[0].information.size(), 1500U);
  }
}

TEST_F(Hostile, VsnpBeforeItIsUpIsRejectedOnlyOnceVsncpIsHopeless) {
  Solo solo;
  solo.open_lcp();
  solo.feed(Protocol::kVsnp, Bytes{1, 2, 3});
  EXPECT_TRUE(solo.sent().empty());
  solo.feed(Protocol::kLcp, Code::kProtocolReject, 1, Bytes{0x80, 0x5b, 1, 1, 0, 7, 2, 0x49, 0x53});
  solo.feed(Protocol::kVsnp, Bytes{1, 2, 3});
  const auto reject = find(solo.sent(), Protocol::kLcp, Code::kProtocolReject);
  ASSERT_TRUE(reject);
  EXPECT_EQ(reject->data, (Bytes{0x00, 0x5b, 1, 2, 3}));
  EXPECT_EQ(solo.count<VsnpMessage>(), 0U);
}

TEST_F(Hostile, AForeignOuiIsProtocolRejectedWithItsPacket) {
  const Bytes foreign{1, 9, 0, 7, 0xcf, 0, 1};
  solo_.feed(Protocol::kVsncp, foreign);
  const auto reject = find(solo_.sent(), Protocol::kLcp, Code::kProtocolReject);
  ASSERT_TRUE(reject);
  EXPECT_EQ(reject->data, (Bytes{0x80, 0x5b, 1, 9, 0, 7, 0xcf, 0, 1}));
}

TEST_F(Hostile, AnUnknownVsncpOptionIsRejectedUnderOurOui) {
  const auto frames = request(Protocol::kVsncp, Bytes{0x02, 0x49, 0x53, 77, 3, 1});
  EXPECT_EQ(find(frames, Protocol::kVsncp, Code::kConfigureReject)->data,
            (Bytes{0x02, 0x49, 0x53, 77, 3, 1}));
}

TEST_F(Hostile, UnknownCodesAreCodeRejected) {
  solo_.sent();
  for (const Protocol protocol : {Protocol::kLcp, Protocol::kIpcp, Protocol::kIpv6cp}) {
    solo_.feed(protocol, Bytes{99, 5, 0, 6, 1, 2});
    EXPECT_EQ(find(solo_.sent(), protocol, Code::kCodeReject)->data, (Bytes{99, 5, 0, 6, 1, 2}));
  }
  solo_.feed(Protocol::kIpcp, Bytes{9, 5, 0, 4});
  EXPECT_TRUE(find(solo_.sent(), Protocol::kIpcp, Code::kCodeReject)) << "an Echo-Request is LCP's";
}

TEST_F(Hostile, ACodeRejectOfWhatIsFundamentalEndsTheLink) {
  solo_.feed(Protocol::kLcp, Code::kCodeReject, 1, Bytes{1, 1, 0, 4});
  solo_.run(10s);
  EXPECT_EQ(solo_.end(), LinkEnd::kNegotiationFailed);
}

TEST_F(Hostile, AProtocolRejectOfLcpEndsTheLink) {
  solo_.feed(Protocol::kLcp, Code::kProtocolReject, 1, Bytes{0xc0, 0x21});
  solo_.run(10s);
  EXPECT_EQ(solo_.end(), LinkEnd::kNegotiationFailed);
}

TEST_F(Hostile, AProtocolRejectOfIpTakesItDown) {
  request(Protocol::kIpcp, address_option(3, "193.6.37.12"));
  ASSERT_EQ(solo_.count<Ipv4Up>(), 1U);
  solo_.feed(Protocol::kLcp, Code::kProtocolReject, 1, Bytes{0x00, 0x21, 0x45});
  EXPECT_EQ(solo_.count<Ipv4Down>(), 1U);
  EXPECT_FALSE(solo_.link.send_packet(solo_.now, Family::kIpv4, Bytes(20, 0x45)));
}

TEST_F(Hostile, EchoesAndRejectsOutsideOpenedAreDiscarded) {
  Solo solo;
  solo.up();
  solo.sent();
  solo.feed(Protocol::kLcp, Code::kEchoRequest, 1, Bytes(4));
  solo.feed(Protocol::kLcp, Code::kProtocolReject, 1, Bytes{0xc0, 0x21});
  solo.feed(kAnyUnknown, Bytes{1, 2, 3});
  solo.feed(Protocol::kIpcp, Code::kConfigureRequest, 1, address_option(3, "193.6.37.12"));
  solo.feed(Protocol::kIpv4, Bytes(20, 0x45));
  EXPECT_TRUE(solo.sent().empty());
  EXPECT_TRUE(solo.packets.empty());
  EXPECT_EQ(solo.link.counters().not_up, 2U);
}

TEST_F(Hostile, PacketsOfAProtocolThatIsNotUpAreDropped) {
  solo_.feed(Protocol::kIpv4, Bytes(20, 0x45));
  solo_.feed(Protocol::kIpv6, Bytes(40, 0x60));
  EXPECT_TRUE(solo_.packets.empty());
  EXPECT_EQ(solo_.link.counters().not_up, 2U);
}

TEST_F(Hostile, AnEchoIsAnsweredInFullAndBySizeOfTheRequest) {
  solo_.sent();
  Bytes data(1496, 0x11);
  solo_.feed(Protocol::kLcp, Code::kEchoRequest, 42, data);
  const auto frames = solo_.sent();
  ASSERT_EQ(frames.size(), 1U);
  const auto reply = find(frames, Protocol::kLcp, Code::kEchoReply);
  EXPECT_EQ(reply->identifier, 42);
  EXPECT_EQ(reply->data.size(), data.size());
  solo_.feed(Protocol::kLcp, Code::kEchoRequest, 43, Bytes(3));
  EXPECT_TRUE(solo_.sent().empty());
}

TEST_F(Hostile, NetworkPacketsOfAClosedProtocolGetATerminateAck) {
  request(Protocol::kIpv6cp, {});
  request(Protocol::kIpv6cp, {});
  ASSERT_EQ(solo_.last<ProtocolUnavailable>()->protocol, Protocol::kIpv6cp);
  solo_.run(6s);
  const auto frames = request(Protocol::kIpv6cp, option(1, Bytes(8, 5)));
  EXPECT_TRUE(find(frames, Protocol::kIpv6cp, Code::kTerminateAck));
  EXPECT_EQ(frames.size(), 1U);
}

}  // namespace
}  // namespace isthmus::ppp
