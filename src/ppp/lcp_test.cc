// LCP's options and replies from peers that break the rules, or keep them to the letter with bad intent.
#include "ppp/lcp.h"

#include <gtest/gtest.h>

#include "ppp/link_pair.h"
#include "ppp/link_solo.h"

namespace isthmus::ppp {
namespace {

using namespace std::chrono_literals;
using test::find;
using test::option;
using test::OwnedFrame;
using test::Pair;
using test::Solo;

// --- LCP options

class HostileLcp : public testing::Test {
 protected:
  HostileLcp() { solo_.up(); }
  std::vector<OwnedFrame> request(ConstBytes options) {
    solo_.sent();
    solo_.feed(Protocol::kLcp, Code::kConfigureRequest, ++identifier_, options);
    return solo_.sent();
  }
  Solo solo_;
  std::uint8_t identifier_ = 0;
};

TEST_F(HostileLcp, AnMruBelowIpv6sMinimumIsNakkedAndThenRejected) {
  for (const Bytes& mru : {Bytes{0, 0}, Bytes{0, 1}, Bytes{0x04, 0xff}, Bytes{0x02, 0x40}, Bytes{0, 64}})
    EXPECT_EQ(find(request(option(1, mru)), Protocol::kLcp, Code::kConfigureNak)->data,
              option(1, Bytes{0x05, 0x00}));
  EXPECT_TRUE(find(request(option(1, Bytes{0, 0})), Protocol::kLcp, Code::kConfigureReject));
}

TEST_F(HostileLcp, AnMruOf65535IsFine) {
  EXPECT_TRUE(find(request(option(1, Bytes{0xff, 0xff})), Protocol::kLcp, Code::kConfigureAck));
}

TEST(HostileLcpWithoutIpv6, AnMruOf64IsFineAndOf63IsNot) {
  LinkOptions options = test::caller_options();
  options.network->ipv6 = false;
  Solo solo(options);
  solo.up();
  solo.feed(Protocol::kLcp, Code::kConfigureRequest, 1, option(1, Bytes{0, 63}));
  EXPECT_EQ(find(solo.sent(), Protocol::kLcp, Code::kConfigureNak)->data, option(1, Bytes{0, 64}));
  solo.feed(Protocol::kLcp, Code::kConfigureRequest, 2, option(1, Bytes{0, 64}));
  EXPECT_TRUE(find(solo.sent(), Protocol::kLcp, Code::kConfigureAck));
}

TEST_F(HostileLcp, AuthenticationQualityAndTheUnknownAreRejectedUnchangedAndInOrder) {
  Bytes options;
  for (const std::uint8_t type : Bytes{0, 3, 4, 9, 13, 17, 255}) {
    const Bytes one = option(type, Bytes{0xc2, 0x23, 5});
    options.insert(options.end(), one.begin(), one.end());
  }
  Bytes with_good = option(5, Bytes{1, 2, 3, 4});
  with_good.insert(with_good.end(), options.begin(), options.end());
  EXPECT_EQ(find(request(with_good), Protocol::kLcp, Code::kConfigureReject)->data, options);
}

TEST_F(HostileLcp, ARejectComesBeforeANakAndANakBeforeAnAck) {
  const Bytes bad_mru = option(1, Bytes{0, 0});
  const Bytes unknown = option(99, {});
  const Bytes good = option(7, {});
  Bytes all = bad_mru;
  all.insert(all.end(), good.begin(), good.end());
  EXPECT_EQ(find(request(all), Protocol::kLcp, Code::kConfigureNak)->data, option(1, Bytes{0x05, 0x00}));
  all.insert(all.end(), unknown.begin(), unknown.end());
  EXPECT_EQ(find(request(all), Protocol::kLcp, Code::kConfigureReject)->data, unknown);
}

TEST_F(HostileLcp, ASecondInstanceOfAnOptionIsRejected) {
  Bytes twice = option(5, Bytes{1, 2, 3, 4});
  const Bytes second = option(5, Bytes{5, 6, 7, 8});
  twice.insert(twice.end(), second.begin(), second.end());
  EXPECT_EQ(find(request(twice), Protocol::kLcp, Code::kConfigureReject)->data, second);
}

TEST_F(HostileLcp, AZeroMagicNumberGetsAnother) {
  const auto nak = find(request(option(5, Bytes(4))), Protocol::kLcp, Code::kConfigureNak);
  ASSERT_TRUE(nak);
  EXPECT_NE(nak->data, option(5, Bytes(4)));
}

TEST_F(HostileLcp, AFlagOptionWithAValueIsRejectedNotNakked) {
  EXPECT_TRUE(find(request(option(7, Bytes{1})), Protocol::kLcp, Code::kConfigureReject));
  EXPECT_TRUE(find(request(option(8, Bytes{1})), Protocol::kLcp, Code::kConfigureReject));
}

TEST_F(HostileLcp, AnOptionOfWrongSizeGetsTheRightOne) {
  EXPECT_EQ(find(request(option(1, Bytes{1})), Protocol::kLcp, Code::kConfigureNak)->data,
            option(1, Bytes{0x05, 0xdc}));
  EXPECT_EQ(find(request(option(2, Bytes(253))), Protocol::kLcp, Code::kConfigureNak)->data,
            option(2, Bytes(4)));
}

TEST_F(HostileLcp, ARequestWithABrokenLengthIsDiscardedWhole) {
  for (const Bytes& broken : {Bytes{1, 0}, Bytes{1, 1}, Bytes{1}, Bytes{1, 255, 0, 0}, Bytes{7, 2, 1, 5, 0}})
    EXPECT_TRUE(request(broken).empty());
  solo_.feed(Protocol::kLcp, Bytes{1, 1, 0, 3});
  solo_.feed(Protocol::kLcp, Bytes{1, 1, 0xff, 0xff});
  solo_.feed(Protocol::kLcp, Bytes{1});
  solo_.feed(Protocol::kLcp, Bytes{});
  EXPECT_TRUE(solo_.sent().empty());
}

TEST_F(HostileLcp, HundredsOfOptionsGetOneReplyNoLargerAndOneShortRemark) {
  Bytes options;
  for (int i = 0; i < 700; ++i) {
    const Bytes one = option(static_cast<std::uint8_t>(40 + i % 50), {});
    options.insert(options.end(), one.begin(), one.end());
  }
  const auto frames = request(options);
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_LE(frames[0].information.size(), options.size() + 4);
  EXPECT_LT(solo_.said().size(), 3000U);
}

TEST_F(HostileLcp, AStormOfRequestsGetsOneReplyEach) {
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(request(option(5, Bytes{1, 2, 3, 4})).size(), 1U);
}

TEST_F(HostileLcp, AStormOfRequestsWhenOpenedGetsOneReplyEachAndIsSurvived) {
  solo_.up();
  solo_.ack(solo_.sent());
  for (int i = 0; i < 1000; ++i) {
    std::size_t replies = 0;
    for (const OwnedFrame& frame : request({})) replies += frame.information[0] == 2 ? 1U : 0U;
    EXPECT_EQ(replies, 1U);
  }
  EXPECT_FALSE(solo_.end());
}

TEST_F(HostileLcp, EndlessNaksEndTheNegotiation) {
  int sent = 0;
  for (; sent < 100 && !solo_.end(); ++sent) {
    const auto asked = find(solo_.sent(), Protocol::kLcp, Code::kConfigureRequest);
    if (!asked) break;
    solo_.feed(Protocol::kLcp, Code::kConfigureNak, asked->identifier, option(5, Bytes{9, 9, 9, 9}));
  }
  EXPECT_EQ(solo_.end(), LinkEnd::kNegotiationFailed);
  EXPECT_LE(sent, 10);
}

TEST_F(HostileLcp, EndlessRejectsRunOutOfOptions) {
  for (int round = 0; round < 20; ++round) {
    const auto asked = find(solo_.sent(), Protocol::kLcp, Code::kConfigureRequest);
    if (!asked) break;
    const auto options = parse_options(asked->data);
    if (options->empty()) {
      solo_.feed(Protocol::kLcp, Code::kConfigureReject, asked->identifier, {});
      EXPECT_TRUE(solo_.sent().empty()) << "a Reject of nothing is no reply";
      return;
    }
    solo_.feed(Protocol::kLcp, Code::kConfigureReject, asked->identifier,
               option(options->front().type, options->front().value));
  }
  FAIL() << "options never ran out";
}

TEST_F(HostileLcp, RepliesThatMatchNoRequestAreDiscarded) {
  const auto asked = find(solo_.sent(), Protocol::kLcp, Code::kConfigureRequest);
  const auto stranger = static_cast<std::uint8_t>(asked->identifier + 1);
  Bytes changed = asked->data;
  changed.back() ^= 1;
  Bytes extra = asked->data;
  extra.insert(extra.end(), {7, 2});
  solo_.feed(Protocol::kLcp, Code::kConfigureAck, stranger, asked->data);
  solo_.feed(Protocol::kLcp, Code::kConfigureNak, stranger, option(5, Bytes{1, 1, 1, 1}));
  solo_.feed(Protocol::kLcp, Code::kConfigureReject, stranger, option(7, {}));
  solo_.feed(Protocol::kLcp, Code::kConfigureAck, asked->identifier, changed);
  solo_.feed(Protocol::kLcp, Code::kConfigureAck, asked->identifier, extra);
  solo_.feed(Protocol::kLcp, Code::kConfigureAck, asked->identifier, {});
  solo_.feed(Protocol::kLcp, Code::kConfigureReject, asked->identifier, option(99, {}));
  EXPECT_TRUE(solo_.sent().empty());
  solo_.feed(Protocol::kLcp, Code::kConfigureRequest, 1, {});
  EXPECT_EQ(solo_.count<LcpUp>(), 0U);
  solo_.feed(Protocol::kLcp, Code::kConfigureAck, asked->identifier, asked->data);
  EXPECT_EQ(solo_.count<LcpUp>(), 1U);
  solo_.sent();
  solo_.feed(Protocol::kLcp, Code::kConfigureAck, asked->identifier, asked->data);
  EXPECT_TRUE(solo_.sent().empty()) << "a second Ack tears nothing down";
}

// --- loops

TEST(Loopback, IsFoundWhileNegotiating) {
  Solo solo;
  solo.up();
  for (int round = 0; round < 20 && !solo.end(); ++round)
    for (const OwnedFrame& frame : solo.sent()) solo.feed(frame.protocol, frame.information);
  EXPECT_EQ(solo.end(), LinkEnd::kLoopback);
}

TEST(Loopback, IsNotSeenInOneCollision) {
  Solo solo;
  solo.up();
  const auto asked = find(solo.sent(), Protocol::kLcp, Code::kConfigureRequest);
  solo.feed(Protocol::kLcp, Code::kConfigureRequest, 1, asked->data);
  EXPECT_TRUE(find(solo.sent(), Protocol::kLcp, Code::kConfigureNak));
  EXPECT_FALSE(solo.end());
}

TEST(Loopback, IsFoundByOurMagicNumberInEchoes) {
  for (const Code code : {Code::kEchoRequest, Code::kDiscardRequest}) {
    Pair pair;
    pair.up();
    pair.run(5s);
    // The wire is looped from now on.
    Bytes looped;
    pair.pass = [](bool, std::size_t) { return false; };
    pair.now += 5s;
    pair.a.link.advance(pair.now);
    for (OwnedFrame frame : test::frames_in(pair.a.link.take_octets())) {
      frame.information[0] = static_cast<std::uint8_t>(code);
      encode_frame(frame.protocol, frame.information, {}, looped);
    }
    ASSERT_FALSE(looped.empty());
    pair.a.link.receive(pair.now, looped, pair.a);
    EXPECT_EQ(pair.a.end(), LinkEnd::kLoopback);
    EXPECT_EQ(pair.a.count<Ipv4Down>(), 1U);
  }
}

}  // namespace
}  // namespace isthmus::ppp
