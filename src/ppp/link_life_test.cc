// When a peer is dead, and when it is only quiet, busy or slow.
#include <gtest/gtest.h>

#include "ppp/life_watch.h"
#include "ppp/link_pair.h"
#include "ppp/link_solo.h"

namespace isthmus::ppp {
namespace {

using namespace std::chrono_literals;
using test::find;
using test::Pair;
using test::Solo;

const Bytes kPacket(100, 0x45);

// Sends a packet from a to b every `interval`, and one back if `b_answers`.
void talk(Pair& pair, Duration length, Duration interval, bool b_answers) {
  for (const Instant end = pair.now + length; pair.now < end && !pair.a.end();) {
    pair.send(pair.a, pair.b, Family::kIpv4, kPacket);
    if (b_answers) pair.send(pair.b, pair.a, Family::kIpv4, kPacket);
    pair.run(interval);
  }
}

// When a ended, counted from `since`.
Duration time_of_death(Pair& pair, Instant since, Duration step, bool is_talking) {
  const Bytes packet = kPacket;
  for (int i = 0; i < 100000 && !pair.a.end(); ++i) {
    if (is_talking) pair.a.link.send_packet(pair.now, Family::kIpv4, packet);
    pair.run(step);
  }
  return pair.now - since;
}

TEST(Life, AnIdleDeadPeerIsFoundWithinFifteenSeconds) {
  for (const Duration quiet : {0s, 1s, 4s, 7s}) {
    Pair pair;
    pair.up();
    pair.run(quiet);
    pair.pass = [](bool, std::size_t) { return false; };
    const Duration took = time_of_death(pair, pair.now, 100ms, false);
    EXPECT_EQ(pair.a.end(), LinkEnd::kPeerDead);
    EXPECT_LT(took, 15s);
    EXPECT_GT(took, 5s);
    EXPECT_EQ(pair.a.count<Ipv4Down>(), 1U);
  }
}

TEST(Life, ADeadPeerUnderTrafficIsFoundWithinFiveSeconds) {
  for (const Duration quiet : {0s, 4s, 9s}) {
    Pair pair;
    pair.up();
    pair.run(quiet);
    pair.pass = [](bool, std::size_t) { return false; };
    EXPECT_LT(time_of_death(pair, pair.now, 50ms, true), 5s);
    EXPECT_EQ(pair.a.end(), LinkEnd::kPeerDead);
  }
}

TEST(Life, AnIdleLivingPeerIsKept) {
  Pair pair;
  pair.up();
  pair.run(10min);
  EXPECT_FALSE(pair.a.end() || pair.b.end());
}

TEST(Life, APeerThatOnlyEchoesIsKeptThroughOneWayTraffic) {
  Pair pair;
  pair.up();
  talk(pair, 1min, 20ms, false);
  EXPECT_FALSE(pair.a.end() || pair.b.end());
}

TEST(Life, ABusyLinkWhoseEchoesAreLostIsKeptByAnyFrame) {
  Solo solo;
  solo.ack(solo.open_lcp());
  solo.feed(Protocol::kIpcp, Code::kConfigureRequest, 1, Bytes{3, 6, 193, 6, 37, 12});
  ASSERT_EQ(solo.count<Ipv4Up>(), 1U);
  // It answers no echo at all, but its packets come.
  for (int second = 0; second < 600; second += 4) {
    for (int i = 0; i < 40; ++i) {
      ASSERT_TRUE(solo.link.send_packet(solo.now, Family::kIpv4, kPacket)) << second;
      solo.run(100ms);
    }
    solo.feed(Protocol::kIpv4, kPacket);
  }
  EXPECT_FALSE(solo.end());
}

TEST(Life, AnUploadThatMovesIsKeptThoughNothingComesBack) {
  Solo solo;
  solo.ack(solo.open_lcp());
  solo.feed(Protocol::kIpcp, Code::kConfigureRequest, 1, Bytes{3, 6, 193, 6, 37, 12});
  for (int second = 0; second < 120; second += 3) {
    ASSERT_TRUE(solo.link.send_packet(solo.now, Family::kIpv4, kPacket)) << second;
    solo.run(3s);
    solo.link.carrier_progressed(solo.now);
  }
  EXPECT_FALSE(solo.end());
}

TEST(Life, EchoesEverySecondWhileBusyAndSparselyWhenIdle) {
  Solo solo;
  solo.ack(solo.open_lcp());
  solo.feed(Protocol::kIpcp, Code::kConfigureRequest, 1, Bytes{3, 6, 193, 6, 37, 12});
  solo.sent();
  solo.run(4900ms);
  EXPECT_FALSE(find(solo.sent(), Protocol::kLcp, Code::kEchoRequest));
  solo.run(100ms);
  EXPECT_TRUE(find(solo.sent(), Protocol::kLcp, Code::kEchoRequest));

  solo.feed(Protocol::kIpv4, kPacket);
  solo.link.send_packet(solo.now, Family::kIpv4, kPacket);
  for (int echo = 0; echo < 4; ++echo) {
    solo.run(1s);
    EXPECT_TRUE(find(solo.sent(), Protocol::kLcp, Code::kEchoRequest)) << echo;
  }
  solo.run(500ms);
  EXPECT_EQ(solo.end(), LinkEnd::kPeerDead);
}

TEST(Life, WithoutEchoesNothingIsDeclaredDead) {
  LinkOptions options = test::caller_options();
  options.echo_interval.reset();
  options.network->ipv6 = options.vsncp = false;
  Solo solo(options);
  solo.ack(solo.open_lcp());
  solo.feed(Protocol::kIpcp, Code::kConfigureRequest, 1, Bytes{3, 6, 193, 6, 37, 12});
  solo.run(1h);
  EXPECT_FALSE(solo.end());
  EXPECT_FALSE(solo.link.next_deadline());
}

TEST(Life, APeerThatCodeRejectsEchoesIsNotAskedAgain) {
  LinkOptions options = test::caller_options();
  options.network->ipv6 = options.vsncp = false;
  Solo solo(options);
  solo.ack(solo.open_lcp());
  solo.feed(Protocol::kIpcp, Code::kConfigureRequest, 1, Bytes{3, 6, 193, 6, 37, 12});
  solo.run(5s);
  const auto echo = find(solo.sent(), Protocol::kLcp, Code::kEchoRequest);
  ASSERT_TRUE(echo);
  solo.feed(Protocol::kLcp, Code::kCodeReject, 1, Bytes{9, echo->identifier, 0, 4});
  solo.run(1h);
  EXPECT_TRUE(solo.sent().empty());
  EXPECT_FALSE(solo.end());
}

TEST(Life, AMachineThatSleptAsksBeforeItJudges) {
  Pair pair;
  pair.up();
  pair.now += 8h;
  pair.a.link.advance(pair.now);
  EXPECT_FALSE(pair.a.end());
  EXPECT_TRUE(find(test::frames_in(pair.a.link.take_octets()), Protocol::kLcp, Code::kEchoRequest));
  pair.pass = [](bool, std::size_t) { return false; };
  EXPECT_LT(time_of_death(pair, pair.now, 100ms, false), 15s);
}

TEST(LifeWatch, CountsABusyPeersTimeFromTheFirstPacketAfterLife) {
  const Instant start{1h};
  LifeWatch watch({5s, 14s, 4500ms}, start);
  watch.sent(start + 3s);
  watch.sent(start + 4s);
  EXPECT_EQ(watch.next_deadline(), start + 4s);
  for (int second = 4; second <= 7; ++second)
    EXPECT_EQ(watch.check(start + std::chrono::seconds(second)), LifeWatch::Verdict::kEchoDue);
  EXPECT_EQ(watch.check(start + 7400ms), LifeWatch::Verdict::kFine);
  EXPECT_EQ(watch.check(start + 7500ms), LifeWatch::Verdict::kDead);
}

}  // namespace
}  // namespace isthmus::ppp
