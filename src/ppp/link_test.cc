// Two Links, or a Link and a well-behaved scripted peer: links that come up, change and end as they should.
#include "ppp/link.h"

#include <gtest/gtest.h>

#include "ppp/link_pair.h"
#include "ppp/link_solo.h"
#include "ppp/vsncp.h"

namespace isthmus::ppp {
namespace {

using namespace std::chrono_literals;
using test::find;
using test::ip;
using test::Pair;
using test::Solo;

TEST(Link, ComesUpWithDefaultsInOneExchange) {
  Pair pair;
  pair.up();
  ASSERT_TRUE(pair.is_all_up()) << pair.a.said() << pair.b.said();
  EXPECT_EQ(pair.a.last<Ipv4Up>()->local, ip("193.6.35.12"));
  EXPECT_EQ(pair.a.last<Ipv4Up>()->remote, ip("193.6.37.12"));
  EXPECT_EQ(pair.b.last<Ipv4Up>()->local, ip("193.6.37.12"));
  EXPECT_EQ(pair.a.last<Ipv6Up>()->remote_interface_id, pair.b.last<Ipv6Up>()->local_interface_id);
  EXPECT_EQ(pair.a.last<LcpUp>()->peer_mru, 1500);
  EXPECT_EQ(pair.a.last<VsncpUp>()->version, kVsnpVersion);
}

TEST(Link, ComesUpWhicheverEndIsFirst) {
  for (const bool a_is_first : {true, false}) {
    Pair pair;
    test::End& first = a_is_first ? pair.a : pair.b;
    test::End& second = a_is_first ? pair.b : pair.a;
    first.link.carrier_up(pair.now);
    pair.exchange();  // the other end's ssh has not started yet: this is lost
    pair.run(2s);
    second.link.carrier_up(pair.now);
    pair.exchange();
    pair.run(4s);
    EXPECT_TRUE(pair.is_all_up()) << first.said();
  }
}

TEST(Link, ComesUpByteByByte) {
  Pair pair;
  pair.piece = 1;
  pair.up();
  EXPECT_TRUE(pair.is_all_up());
}

TEST(Link, ComesUpWhicheverSingleFrameIsLost) {
  Pair clean;
  clean.up();
  ASSERT_TRUE(clean.is_all_up());
  for (std::size_t lost = 0; lost < clean.frames; ++lost) {
    Pair pair;
    pair.pass = [lost](bool, std::size_t frame) { return frame != lost; };
    pair.up();
    pair.run(15s);
    EXPECT_TRUE(pair.is_all_up()) << "without frame " << lost << "\n" << pair.a.said() << pair.b.said();
    EXPECT_FALSE(pair.a.end() || pair.b.end());
  }
}

TEST(Link, ComesUpThroughHeavyLoss) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SeededRandom random(seed);
    Pair pair;
    pair.pass = [&](bool, std::size_t) { return random.u32() % 5 != 0; };
    pair.up();
    for (int second = 0; second < 60 && !pair.is_all_up(); ++second) pair.run(1s);
    EXPECT_TRUE(pair.is_all_up()) << "seed " << seed << "\n" << pair.a.said();
  }
}

TEST(Link, CarriesPacketsOnlyOfWhatIsUp) {
  LinkOptions no_ipv6 = test::caller_options();
  no_ipv6.network->ipv6 = false;
  Pair pair(no_ipv6);
  pair.up();
  const Bytes packet(100, 0x45);
  pair.send(pair.a, pair.b, Family::kIpv4, packet);
  ASSERT_EQ(pair.b.packets.size(), 1U);
  EXPECT_EQ(pair.b.packets[0].second, packet);
  EXPECT_FALSE(pair.a.link.send_packet(pair.now, Family::kIpv6, packet));
  EXPECT_TRUE(pair.a.link.take_octets().empty());
  EXPECT_EQ(pair.b.last<ProtocolUnavailable>()->protocol, Protocol::kIpv6cp);
}

TEST(Link, SendsIpWithoutAddressAndControlWhenBothCompressionsAreAgreed) {
  Pair pair;
  pair.up();
  ASSERT_TRUE(pair.a.link.send_packet(pair.now, Family::kIpv4, Bytes{0x45}));
  const Bytes out = pair.a.link.take_octets();
  ASSERT_GE(out.size(), 3U);
  EXPECT_EQ(out[1], 0x21);
  EXPECT_EQ(out[2], 0x45);
}

TEST(Link, DropsAndCountsWhatDoesNotFitThePeersMru) {
  LinkOptions small = test::called_options();
  small.mru = 1400;
  Pair pair(test::caller_options(), small);
  pair.up();
  EXPECT_EQ(pair.a.last<LcpUp>()->peer_mru, 1400);
  EXPECT_TRUE(pair.a.link.send_packet(pair.now, Family::kIpv4, Bytes(1400)));
  EXPECT_FALSE(pair.a.link.send_packet(pair.now, Family::kIpv4, Bytes(1401)));
  EXPECT_FALSE(pair.a.link.send_vsnp(pair.now, Bytes(1401)));
  EXPECT_EQ(pair.a.link.counters().over_peer_mru, 2U);
}

LinkOptions with(LinkOptions options, std::uint32_t capabilities) {
  options.vsncp_capabilities = capabilities;
  return options;
}

TEST(Link, TakesVsnpBeyondTheMruWhereBothEndsHaveSuperPackets) {
  Pair pair(with(test::caller_options(), kSuperPackets), with(test::called_options(), kSuperPackets));
  pair.up();
  ASSERT_TRUE(pair.a.link.send_vsnp(pair.now, Bytes(4, 7), Bytes(65535, 8)));
  pair.exchange();
  Bytes expected(4, 7);
  expected.resize(kMaxLongMessage, 8);
  EXPECT_EQ(pair.b.last<VsnpMessage>()->octets, expected);
  EXPECT_FALSE(pair.a.link.send_vsnp(pair.now, Bytes(5, 7), Bytes(65535, 8)));
}

TEST(Link, SendsNoLongVsnpWhereOneEndLacksSuperPackets) {
  Pair pair(with(test::caller_options(), kSuperPackets), with(test::called_options(), kReceiveReports));
  pair.up();
  EXPECT_FALSE(pair.a.link.send_vsnp(pair.now, Bytes(4, 7), Bytes(1497, 8)));
  EXPECT_FALSE(pair.b.link.send_vsnp(pair.now, Bytes(4, 7), Bytes(1497, 8)));
}

TEST(Link, DropsEverythingElseBeyondTheMruAlsoWhereSuperPacketsAreAgreed) {
  Pair pair(with(test::caller_options(), kSuperPackets), with(test::called_options(), kSuperPackets));
  pair.up();
  Bytes stream;
  encode_frame(0x0021, Bytes(1501, 0x45), {.accm = 0}, stream);
  encode_frame(0x0021, Bytes(1500, 0x45), {.accm = 0}, stream);
  pair.b.link.receive(pair.now, stream, pair.b);
  ASSERT_EQ(pair.b.packets.size(), 1U);
  EXPECT_EQ(pair.b.packets[0].second.size(), 1500U);
  EXPECT_EQ(pair.b.link.counters().too_long, 1U);
}

TEST(Link, CountsTheOctetsOfBothDirections) {
  Pair pair;
  pair.up();
  EXPECT_GT(pair.a.link.octets_queued(), 0U);
  pair.a.link.send_packet(pair.now, Family::kIpv4, Bytes(20, 0x45));
  const std::uint64_t before = pair.b.link.octets_received();
  const Bytes stream = pair.a.link.take_octets();
  pair.b.link.receive(pair.now, stream, pair.b);
  EXPECT_EQ(pair.b.link.octets_received() - before, stream.size());
}

TEST(Link, CarriesVsnpBothWays) {
  Pair pair;
  pair.up();
  ASSERT_TRUE(pair.a.link.send_vsnp(pair.now, bytes_of("from a")));
  ASSERT_TRUE(pair.b.link.send_vsnp(pair.now, bytes_of("from b")));
  pair.exchange();
  EXPECT_EQ(text_of(pair.b.last<VsnpMessage>()->octets), "from a");
  EXPECT_EQ(text_of(pair.a.last<VsnpMessage>()->octets), "from b");
}

TEST(Link, TellsCapabilities) {
  LinkOptions able = test::caller_options();
  able.vsncp_capabilities = 0x80000005;
  Pair pair(able);
  pair.up();
  EXPECT_EQ(pair.b.last<VsncpUp>()->capabilities, 0x80000005U);
  EXPECT_EQ(pair.a.last<VsncpUp>()->capabilities, 0U);
}

// --- addresses and names

TEST(Link, AssignsAnAddressToACallerThatAsks) {
  LinkOptions asking;
  Pair pair(asking, test::called_options());
  pair.up();
  ASSERT_TRUE(pair.is_all_up()) << pair.a.said();
  EXPECT_EQ(pair.a.last<Ipv4Up>()->local, ip("193.6.35.12"));
  EXPECT_EQ(pair.a.last<Ipv4Up>()->remote, ip("193.6.37.12"));
}

TEST(Link, RefusesAnAssignedAddressThePolicyForbids) {
  Pair pair(LinkOptions{}, test::called_options());
  pair.a.policy.forbidden = ip("193.6.35.12");
  pair.up();
  EXPECT_EQ(pair.a.count<Ipv4Up>(), 0U);
  EXPECT_EQ(pair.a.last<ProtocolUnavailable>()->protocol, Protocol::kIpcp);
  EXPECT_NE(pair.a.last<ProtocolUnavailable>()->reason.find("193.6.35.12"), std::string::npos);
  EXPECT_EQ(pair.a.count<Ipv6Up>(), 1U);
}

TEST(Link, RefusesToShareOneAddress) {
  Pair pair(test::caller_options(), test::caller_options());
  pair.up();
  pair.run(60s);
  EXPECT_EQ(pair.a.count<Ipv4Up>() + pair.b.count<Ipv4Up>(), 0U);
  EXPECT_GE(pair.a.count<ProtocolUnavailable>(), 1U);
  EXPECT_FALSE(pair.a.end()) << "IPv6 and VSNP still work";
}

TEST(Link, GivesDnsServersBothWays) {
  LinkOptions a = test::caller_options();
  LinkOptions b = test::called_options();
  a.network->ask_for_dns = b.network->ask_for_dns = true;
  a.network->dns_to_offer = {ip("193.6.35.53"), ip("193.6.35.54")};
  b.network->dns_to_offer = {ip("193.6.37.53")};
  Pair pair(a, b);
  pair.up();
  ASSERT_TRUE(pair.is_all_up());
  EXPECT_EQ(pair.a.last<Ipv4Up>()->dns, std::vector{ip("193.6.37.53")});
  EXPECT_EQ(pair.b.last<Ipv4Up>()->dns, (std::vector{ip("193.6.35.53"), ip("193.6.35.54")}));
}

TEST(Link, GivesEqualInterfaceIdentifiersUp) {
  LinkOptions a = test::caller_options();
  LinkOptions b = test::called_options();
  a.network->local_interface_id = b.network->local_interface_id = 0x1122334455667788;
  Pair pair(a, b);
  pair.up();
  ASSERT_TRUE(pair.is_all_up());
  EXPECT_NE(pair.a.last<Ipv6Up>()->local_interface_id, pair.a.last<Ipv6Up>()->remote_interface_id);
  EXPECT_EQ(pair.a.last<Ipv6Up>()->local_interface_id, pair.b.last<Ipv6Up>()->remote_interface_id);
}

// --- the network protocols wait

TEST(Link, HoldsIpcpAndIpv6cpUntilBothEndsKnowWhatTheyWant) {
  LinkOptions waiting;
  waiting.network.reset();
  Pair pair(waiting, waiting);
  pair.up();
  EXPECT_EQ(pair.a.count<VsncpUp>(), 1U);
  EXPECT_EQ(pair.a.count<Ipv4Up>(), 0U);
  pair.a.link.open_network(pair.now, *test::caller_options().network);
  pair.exchange();
  EXPECT_EQ(pair.a.count<Ipv4Up>(), 0U);
  pair.b.link.open_network(pair.now, *test::called_options().network);
  pair.exchange();
  EXPECT_TRUE(pair.is_all_up()) << "at once, by the request that was kept";
}

TEST(Link, RejectsAKeptRequestOfAProtocolItTurnsOutNotToWant) {
  LinkOptions waiting;
  waiting.network.reset();
  Pair pair(waiting, test::called_options());
  pair.up();
  NetworkOptions only_ipv6 = *test::caller_options().network;
  only_ipv6.ipv4 = false;
  pair.a.link.open_network(pair.now, only_ipv6);
  pair.exchange();
  EXPECT_EQ(pair.a.count<Ipv6Up>(), 1U);
  EXPECT_EQ(pair.b.last<ProtocolUnavailable>()->protocol, Protocol::kIpcp);
}

// --- ends

TEST(Link, ClosesWithTheReasonTold) {
  Pair pair;
  pair.up();
  pair.a.link.close(pair.now, "User request");
  pair.exchange();
  EXPECT_EQ(pair.a.end(), LinkEnd::kClosedByUs);
  EXPECT_EQ(pair.a.count<Ipv4Down>(), 1U);
  EXPECT_EQ(pair.b.count<Ipv4Down>(), 1U);
  // RFC 1661 section 3.7: the receiver of a Terminate-Request waits a restart time before it lets go.
  EXPECT_FALSE(pair.b.end());
  pair.run(3s);
  EXPECT_EQ(pair.b.end(), LinkEnd::kTerminatedByPeer);
  EXPECT_NE(pair.b.last<LinkDown>()->reason.find("User request"), std::string::npos);
}

TEST(Link, ClosesFromBothEndsAtOnce) {
  Pair pair;
  pair.up();
  pair.a.link.close(pair.now, "a");
  pair.b.link.close(pair.now, "b");
  pair.exchange();
  EXPECT_EQ(pair.a.end(), LinkEnd::kClosedByUs);
  EXPECT_EQ(pair.b.end(), LinkEnd::kClosedByUs);
}

TEST(Link, ClosesInEveryPhaseAndTellsItOnce) {
  Pair clean;
  clean.up();
  for (std::size_t heard = 0; heard <= clean.frames; ++heard) {
    Pair pair;
    pair.pass = [heard](bool, std::size_t frame) { return frame < heard; };
    pair.up();
    pair.a.link.close(pair.now, "enough");
    pair.run(10s);
    EXPECT_EQ(pair.a.end(), LinkEnd::kClosedByUs) << heard;
    EXPECT_EQ(pair.a.count<LinkDown>(), 1U);
    EXPECT_EQ(pair.a.count<Ipv4Up>(), pair.a.count<Ipv4Down>());
    EXPECT_FALSE(pair.a.link.next_deadline());
  }
}

TEST(Link, ClosesBeforeItsCarrierCame) {
  Solo solo;
  solo.link.close(solo.now, "never mind");
  EXPECT_EQ(solo.end(), LinkEnd::kClosedByUs);
}

TEST(Link, EndsWithItsCarrier) {
  Pair pair;
  pair.up();
  pair.a.link.carrier_down(pair.now);
  EXPECT_EQ(pair.a.end(), LinkEnd::kCarrierLost);
  EXPECT_EQ(pair.a.count<Ipv4Down>(), 1U);
  EXPECT_EQ(pair.a.count<Ipv6Down>(), 1U);
  EXPECT_EQ(pair.a.count<VsncpDown>(), 1U);
}

TEST(Link, GivesUpAfterMaxConfigureRequests) {
  Solo solo;
  solo.up();
  solo.run(29s);
  EXPECT_EQ(solo.sent().size(), 10U);
  EXPECT_FALSE(solo.end());
  solo.run(1s);
  EXPECT_EQ(solo.end(), LinkEnd::kNegotiationFailed);
}

TEST(Link, WaitsInsteadOfGivingUpWhenPassive) {
  LinkOptions options = test::caller_options();
  options.passive = true;
  Solo solo(options);
  solo.up();
  solo.run(1h);
  EXPECT_EQ(solo.sent().size(), 10U);
  EXPECT_FALSE(solo.end());
  solo.feed(Protocol::kLcp, Code::kConfigureRequest, 1, {});
  EXPECT_TRUE(find(solo.sent(), Protocol::kLcp, Code::kConfigureAck));
}

TEST(Link, SaysNothingBeforeThePeerWhenSilent) {
  LinkOptions silent = test::called_options();
  silent.silent = true;
  Pair pair(test::caller_options(), silent);
  pair.b.link.carrier_up(pair.now);
  pair.run(1min);
  EXPECT_EQ(pair.frames, 0U);
  pair.a.link.carrier_up(pair.now);
  pair.exchange();
  EXPECT_TRUE(pair.is_all_up());
}

TEST(Link, ThatIsSilentClosesAllTheSame) {
  LinkOptions silent = test::called_options();
  silent.silent = true;
  Solo solo(silent);
  solo.up();
  solo.link.close(solo.now, "");
  EXPECT_EQ(solo.end(), LinkEnd::kClosedByUs);
}

TEST(Link, EndsWhenNoNetworkProtocolIsLeft) {
  LinkOptions options = test::caller_options();
  options.network->ipv6 = options.vsncp = false;
  Solo solo(options);
  const Bytes rejected{0x80, 0x21, 1, 1, 0, 4};
  solo.open_lcp();
  solo.feed(Protocol::kLcp, Code::kProtocolReject, 1, rejected);
  EXPECT_EQ(solo.last<ProtocolUnavailable>()->protocol, Protocol::kIpcp);
  const auto request = find(solo.sent(), Protocol::kLcp, Code::kTerminateRequest);
  ASSERT_TRUE(request);
  solo.feed(Protocol::kLcp, Code::kTerminateAck, request->identifier, {});
  EXPECT_EQ(solo.end(), LinkEnd::kNegotiationFailed);
}

// --- renegotiation

TEST(Link, RenegotiatesWhenTheOtherEndStartsAnew) {
  Pair pair;
  pair.up();
  pair.a.link.renegotiate(pair.now);
  pair.exchange();
  EXPECT_TRUE(pair.is_all_up());
  EXPECT_EQ(pair.a.count<LcpUp>(), 2U);
  EXPECT_EQ(pair.b.count<LcpUp>(), 2U);
  EXPECT_EQ(pair.b.count<Ipv4Down>(), 1U);
  EXPECT_EQ(pair.b.count<Ipv4Up>(), 2U);
}

TEST(Link, RenegotiatesIpcpAloneWhenThePeerAsks) {
  Solo solo;
  solo.ack(solo.open_lcp());
  const Bytes address{3, 6, 193, 6, 37, 12};
  solo.feed(Protocol::kIpcp, Code::kConfigureRequest, 1, address);
  ASSERT_EQ(solo.count<Ipv4Up>(), 1U);
  solo.sent();
  solo.feed(Protocol::kIpcp, Code::kConfigureRequest, 2, address);
  EXPECT_EQ(solo.count<Ipv4Down>(), 1U);
  const auto frames = solo.sent();
  EXPECT_TRUE(find(frames, Protocol::kIpcp, Code::kConfigureAck));
  ASSERT_TRUE(find(frames, Protocol::kIpcp, Code::kConfigureRequest));
  solo.ack(frames);
  EXPECT_EQ(solo.count<Ipv4Up>(), 2U);
  EXPECT_EQ(solo.count<LcpUp>(), 1U);
}

}  // namespace
}  // namespace isthmus::ppp
