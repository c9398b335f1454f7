// The less usual turns of a link: answers that come late, protocols rejected when they are up, renegotiation,
// small MRUs.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

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

const Bytes kRejectsIpcp{0x80, 0x21, 1, 1, 0, 4};
const Bytes kIdentifier{0, 0, 0, 0, 0, 0, 0, 9};

// Time passes with a peer that is alive, but says nothing else.
void run_alive(Solo& solo, int seconds) {
  for (int i = 0; i < seconds; ++i) {
    solo.run(1s);
    solo.feed(Protocol::kLcp, Code::kEchoReply, 1, Bytes(4));
  }
}

bool has_any(const std::vector<OwnedFrame>& frames, Protocol protocol) {
  return std::ranges::any_of(frames, [&](const OwnedFrame& frame) {
    return frame.protocol == static_cast<std::uint16_t>(protocol);
  });
}

TEST(LateAnswer, ToARequestThatTimedOutBringsTheProtocolUp) {
  Solo solo;
  solo.open_lcp();
  run_alive(solo, 40);
  EXPECT_EQ(solo.count<ProtocolUnavailable>(), 3U);
  solo.sent();
  solo.feed(Protocol::kIpcp, Code::kConfigureRequest, 1, address_option(3, "193.6.37.12"));
  const auto frames = solo.sent();
  EXPECT_TRUE(find(frames, Protocol::kIpcp, Code::kConfigureAck));
  ASSERT_TRUE(find(frames, Protocol::kIpcp, Code::kConfigureRequest));
  solo.ack(frames);
  EXPECT_EQ(solo.count<Ipv4Up>(), 1U);
  EXPECT_FALSE(solo.end());
}

TEST(LateAnswer, KeepsTheLinkWhereTheOtherProtocolsAreRejected) {
  Solo solo;
  solo.open_lcp();
  solo.feed(Protocol::kLcp, Code::kProtocolReject, 1, Bytes{0x80, 0x57, 1, 1, 0, 4});
  run_alive(solo, 40);
  solo.feed(Protocol::kLcp, Code::kProtocolReject, 2, Bytes{0x80, 0x5b, 1, 1, 0, 4});
  EXPECT_FALSE(find(solo.sent(), Protocol::kLcp, Code::kTerminateRequest));
}

TEST(ProtocolReject, OfAnOpenedControlProtocolSilencesIt) {
  Solo solo;
  solo.ack(solo.open_lcp());
  solo.feed(Protocol::kIpcp, Code::kConfigureRequest, 1, address_option(3, "193.6.37.12"));
  ASSERT_EQ(solo.count<Ipv4Up>(), 1U);
  solo.sent();
  solo.feed(Protocol::kLcp, Code::kProtocolReject, 1, kRejectsIpcp);
  run_alive(solo, 10);
  EXPECT_FALSE(has_any(solo.sent(), Protocol::kIpcp));
  EXPECT_EQ(solo.count<Ipv4Down>(), 1U);
  EXPECT_EQ(solo.last<ProtocolUnavailable>()->protocol, Protocol::kIpcp);
}

TEST(ProtocolReject, OfIpIsFollowedByATerminateRequest) {
  Solo solo;
  solo.ack(solo.open_lcp());
  solo.feed(Protocol::kIpcp, Code::kConfigureRequest, 1, address_option(3, "193.6.37.12"));
  solo.sent();
  solo.feed(Protocol::kLcp, Code::kProtocolReject, 1, Bytes{0x00, 0x21, 0x45});
  EXPECT_TRUE(find(solo.sent(), Protocol::kIpcp, Code::kTerminateRequest));
}

// --- a new negotiation forgets the one before

TEST(Renegotiation, TakesAnAddressThatThePeerHadItselfBefore) {
  LinkOptions options = test::caller_options();
  options.network->local_ipv4.reset();
  options.network->remote_ipv4.reset();
  Solo solo(options);
  const auto asked = find(solo.open_lcp(), Protocol::kIpcp, Code::kConfigureRequest);
  solo.feed(Protocol::kIpcp, Code::kConfigureNak, asked->identifier, address_option(3, "10.0.0.2"));
  solo.feed(Protocol::kIpcp, Code::kConfigureRequest, 1, address_option(3, "10.0.0.1"));
  solo.ack(solo.sent());
  ASSERT_EQ(solo.count<Ipv4Up>(), 1U);

  solo.feed(Protocol::kLcp, Code::kConfigureRequest, 9, {});
  solo.ack(solo.sent());
  const auto again = find(solo.sent(), Protocol::kIpcp, Code::kConfigureRequest);
  ASSERT_TRUE(again);
  solo.feed(Protocol::kIpcp, Code::kConfigureNak, again->identifier, address_option(3, "10.0.0.1"));
  EXPECT_EQ(find(solo.sent(), Protocol::kIpcp, Code::kConfigureRequest)->data, address_option(3, "10.0.0.1"));
}

TEST(Renegotiation, AsksOnceForAnInterfaceIdentifierThatIsMissing) {
  Solo solo;
  solo.ack(solo.open_lcp());
  solo.feed(Protocol::kIpv6cp, Code::kConfigureRequest, 1, option(1, kIdentifier));
  ASSERT_EQ(solo.count<Ipv6Up>(), 1U);
  solo.sent();
  solo.feed(Protocol::kIpv6cp, Code::kConfigureRequest, 2, {});
  EXPECT_TRUE(find(solo.sent(), Protocol::kIpv6cp, Code::kConfigureNak));
  solo.feed(Protocol::kIpv6cp, Code::kConfigureRequest, 3, {});
  EXPECT_TRUE(find(solo.sent(), Protocol::kIpv6cp, Code::kConfigureAck));
}

TEST(Renegotiation, CountsTheNakThatBeginsIt) {
  Solo solo;
  solo.ack(solo.open_lcp());
  solo.feed(Protocol::kIpcp, Code::kConfigureRequest, 1, address_option(3, "193.6.37.12"));
  ASSERT_EQ(solo.count<Ipv4Up>(), 1U);
  int naks = 0;
  for (std::uint8_t i = 2; i < 9; ++i) {
    solo.sent();
    solo.feed(Protocol::kIpcp, Code::kConfigureRequest, i, address_option(3, "127.0.0.1"));
    if (find(solo.sent(), Protocol::kIpcp, Code::kConfigureNak)) ++naks;
  }
  EXPECT_EQ(naks, 5);
}

TEST(Ipcp, DoesNotAskForTheAddressThatItRejected) {
  LinkOptions options = test::caller_options();
  options.network->remote_ipv4.reset();
  Solo solo(options);
  solo.ack(solo.open_lcp());
  solo.sent();
  solo.feed(Protocol::kIpcp, Code::kConfigureRequest, 1, address_option(3, "0.0.0.0"));
  EXPECT_TRUE(find(solo.sent(), Protocol::kIpcp, Code::kConfigureReject));
  solo.feed(Protocol::kIpcp, Code::kConfigureRequest, 2, {});
  EXPECT_FALSE(find(solo.sent(), Protocol::kIpcp, Code::kConfigureNak));
  EXPECT_EQ(solo.last<ProtocolUnavailable>()->protocol, Protocol::kIpcp);
}

// --- the peer's MRU

class SmallMru : public testing::Test {
 protected:
  SmallMru() : solo_(options()) {
    solo_.up();
    solo_.ack(solo_.sent());
    solo_.feed(Protocol::kLcp, Code::kConfigureRequest, 1, Bytes{1, 4, 0, 64});
  }
  static LinkOptions options() {
    LinkOptions options = test::caller_options();
    options.network->ipv6 = false;
    options.identification = std::string(200, 'i');
    return options;
  }
  std::size_t longest() {
    std::size_t most = 0;
    for (const OwnedFrame& frame : solo_.sent()) most = std::max(most, frame.information.size());
    return most;
  }

  Solo solo_;
};

TEST_F(SmallMru, BoundsTheIdentification) {
  ASSERT_EQ(solo_.last<LcpUp>()->peer_mru, 64);
  EXPECT_EQ(longest(), 64U);
}

TEST_F(SmallMru, BoundsTheReasonOfATerminateRequestEachTime) {
  solo_.sent();
  solo_.link.close(solo_.now, std::string(300, 'r'));
  EXPECT_EQ(longest(), 64U);
  solo_.run(3s);
  EXPECT_EQ(longest(), 64U);
}

TEST(PeerMru, IsTheDefaultAgainWhenLcpIsRenegotiated) {
  LinkOptions options = test::caller_options();
  options.mru = 4096;
  Solo solo(options);
  solo.up();
  solo.ack(solo.sent());
  solo.feed(Protocol::kLcp, Code::kConfigureRequest, 1, Bytes{1, 4, 0x0f, 0xa0});
  solo.feed(Protocol::kLcp, Code::kConfigureRequest, 2, {});
  solo.sent();
  Bytes unknown{77, 1, 0x0b, 0xb8};
  unknown.resize(3000);
  solo.feed(Protocol::kLcp, unknown);
  const auto frames = solo.sent();
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0].information.size(), 1500U);
}

// --- before open_network()

TEST(HeldProtocol, AnswersAllButRequestsAsInClosed) {
  LinkOptions options = test::caller_options();
  options.network.reset();
  Solo solo(options);
  solo.open_lcp();
  solo.feed(Protocol::kIpcp, Code::kTerminateRequest, 7, {});
  EXPECT_EQ(find(solo.sent(), Protocol::kIpcp, Code::kTerminateAck)->identifier, 7);
  solo.feed(Protocol::kIpcp, Bytes{12, 1, 0, 6, 5, 5});
  EXPECT_EQ(find(solo.sent(), Protocol::kIpcp, Code::kCodeReject)->data, (Bytes{12, 1, 0, 6, 5, 5}));
  solo.feed(Protocol::kIpcp, Code::kTerminateAck, 8, {});
  solo.feed(Protocol::kIpcp, Code::kConfigureRequest, 9, address_option(3, "193.6.37.12"));
  EXPECT_TRUE(solo.sent().empty());
  solo.link.open_network(solo.now, *test::caller_options().network);
  EXPECT_EQ(find(solo.sent(), Protocol::kIpcp, Code::kConfigureAck)->identifier, 9);
}

// --- peers in breach

TEST(NakOfACompression, IsTakenForAReject) {
  Solo solo;
  solo.up();
  const auto asked = find(solo.sent(), Protocol::kLcp, Code::kConfigureRequest);
  solo.feed(Protocol::kLcp, Code::kConfigureNak, asked->identifier, Bytes{7, 2, 8, 2});
  const auto again = find(solo.sent(), Protocol::kLcp, Code::kConfigureRequest);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->data.size(), asked->data.size() - 4);
}

TEST(EchoReply, WithOurOwnMagicNumberEndsTheLinkTheThirdTimeInARow) {
  Solo solo;
  const auto opening = solo.open_lcp();
  solo.ack(opening);
  std::size_t replies = 0;
  for (int second = 0; second < 60 && !solo.end(); ++second) {
    solo.run(1s);
    const auto asked = find(solo.sent(), Protocol::kLcp, Code::kEchoRequest);
    if (!asked) continue;
    solo.feed(Protocol::kLcp, Code::kEchoReply, asked->identifier, asked->data);
    ++replies;
  }
  EXPECT_EQ(replies, 3U);
  EXPECT_EQ(solo.end(), LinkEnd::kLoopback);
}

}  // namespace
}  // namespace isthmus::ppp
