// The whole datagram path between two ends under a virtual clock: addresses, keys, ESP, health and sizes,
// over a world that loses, reorders, doubles, rebinds and shuts.
#include "session/datagram_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "datagram_pair.h"
#include "seeds.h"

namespace isthmus::session::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Waits until nothing is under way any more.
void settle(DatagramPair& pair) {
  pair.stop_sending();
  pair.run(seconds{2});
}

TEST(DatagramPathSimulation, TakesTheDatagramsWithinASecond) {
  DatagramPair pair{1};
  pair.keep_sending(milliseconds{10});
  pair.begin();
  EXPECT_LT(pair.run_until([&] { return pair.is_direct(); }, seconds{10}), seconds{1});
  pair.run(seconds{5});
  settle(pair);
  EXPECT_GT(pair.ends[kCaller].by_stream, 0U) << "the stream carries from the start";
  pair.expect_no_loss_of_ours();
}

TEST(DatagramPathSimulation, LosesNothingBeyondWhatTheWorldTakes) {
  for (std::uint64_t seed = 1; seed <= seeds(60); ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    DatagramPair pair{seed, 1 + seed % 3, 1 + seed % 4};
    pair.world.faults.loss = static_cast<unsigned>(seed % 15);
    pair.world.faults.duplication = static_cast<unsigned>(seed % 7);
    pair.world.faults.jitter = milliseconds{seed % 50};
    pair.keep_sending(milliseconds{20});
    pair.begin();
    pair.run(seconds{30});
    settle(pair);
    pair.expect_no_loss_of_ours();
    EXPECT_GT(pair.ends[kCaller].by_datagram, pair.ends[kCaller].by_stream);
  }
}

TEST(DatagramPathSimulation, ChangesKeysEverySecondAtFullSpeedAndLosesNothing) {
  for (std::uint64_t seed = 1; seed <= seeds(10); ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    DatagramPair pair{seed, 2, 3};
    // Some twenty packets of each SA: no generation lasts longer than the next exchange takes.
    esp::SaLimits limits;
    limits.soft_packets = 20;
    limits.hard_packets = 1000000;
    pair.tunnel_options.limits = limits;
    pair.world.faults.jitter = milliseconds{30};
    pair.world.faults.loss = 5;
    pair.keep_sending(milliseconds{5});
    pair.begin();
    pair.run(seconds{60});
    settle(pair);
    pair.expect_no_loss_of_ours();
    EXPECT_GT(std::to_underlying(*pair.ends[kCaller].path->rekeyer().outward()), 30U);
    EXPECT_LE(pair.ends[kCaller].path->rekeyer().live().size(), 2U);
  }
}

// Both ends do, for so long.
void send_by_datagrams(DatagramPair& pair, Duration time) {
  pair.keep_sending(milliseconds{10});
  pair.begin();
  ASSERT_LT(pair.run_until([&] { return pair.is_direct(); }, seconds{10}), seconds{10});
  pair.run(time);
}

TEST(DatagramPathSimulation, FallsBackWithinThreeSecondsAndReturnsWithinFive) {
  for (std::uint64_t seed = 1; seed <= seeds(60); ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    DatagramPair pair{seed, 2, 2};
    send_by_datagrams(pair, seconds{5} + milliseconds{seed * 37});
    pair.world.faults.is_shut = true;
    EXPECT_LE(pair.run_until([&] { return pair.is_on_stream(); }, seconds{10}), seconds{3});
    pair.run(seconds{seed});
    pair.world.faults.is_shut = false;
    EXPECT_LE(pair.run_until([&] { return pair.is_direct(); }, seconds{10}), seconds{5});
    settle(pair);
    pair.expect_no_loss_of_ours();
  }
}

// The called end's packets are answers: while nothing is heard it sends nothing, and when the stream brings
// the first question again it is to know better than to answer by datagrams.
TEST(DatagramPathSimulation, FallsBackTogetherWithAPeerThatItOnlyAnswers) {
  for (std::uint64_t seed = 1; seed <= seeds(60); ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    DatagramPair pair{seed, 2, 2};
    send_by_datagrams(pair, seconds{5} + milliseconds{seed * 37});
    pair.stop_sending();
    pair.keep_sending_from(kCaller, milliseconds{10});
    pair.world.faults.is_shut = true;
    EXPECT_LE(pair.run_until([&] { return pair.is_on_stream(); }, seconds{10}), seconds{3});
  }
}

TEST(DatagramPathSimulation, MovesOnlyTheDirectionThatIsShut) {
  DatagramPair pair{7};
  pair.keep_sending(milliseconds{10});
  pair.begin();
  pair.run(seconds{5});
  ASSERT_TRUE(pair.is_direct());
  pair.world.faults.shut_from = kCalled;
  pair.run(seconds{10});
  EXPECT_EQ(pair.ends[kCaller].way, Way::kDatagrams) << "the reports say that it arrives";
  EXPECT_EQ(pair.ends[kCalled].way, Way::kStream);
}

TEST(DatagramPathSimulation, StaysOnTheStreamWhereUdpIsShut) {
  DatagramPair pair{1};
  pair.world.faults.is_shut = true;
  pair.keep_sending(milliseconds{50});
  pair.begin();
  pair.run(minutes{3});
  EXPECT_THAT(pair.ends[kCaller].ways, ::testing::IsEmpty());
  pair.world.faults.is_shut = false;
  EXPECT_LE(pair.run_until([&] { return pair.is_direct(); }, seconds{10}), seconds{5});
}

TEST(DatagramPathSimulation, StaysOnTheStreamWhereThatIsWanted) {
  for (const std::size_t end : {kCaller, kCalled}) {
    DatagramPair pair{1};
    pair.options_of(end).mode = PathMode::kStream;
    pair.begin();
    pair.run(seconds{30});
    EXPECT_TRUE(pair.is_on_stream());
    EXPECT_EQ(pair.ends[kCaller].counts().dummies_sent, 0U);
  }
}

TEST(DatagramPathSimulation, RefusesPacketsWithoutDatagramsWhereOnlyTheyAreWanted) {
  DatagramPair pair{1};
  pair.options_of(kCaller).mode = PathMode::kDatagram;
  pair.begin();
  EXPECT_EQ(pair.ends[kCaller].way, Way::kNowhere);
  pair.keep_sending(milliseconds{10});
  pair.run(seconds{3});
  EXPECT_EQ(pair.ends[kCaller].way, Way::kDatagrams);
  pair.world.faults.is_shut = true;
  pair.run(seconds{5});
  EXPECT_EQ(pair.ends[kCaller].way, Way::kNowhere);
  EXPECT_EQ(pair.ends[kCalled].way, Way::kStream);
}

TEST(DatagramPathSimulation, GoesOnWithoutTheStream) {
  DatagramPair pair{1};
  pair.keep_sending(milliseconds{10});
  pair.begin();
  pair.run(seconds{5});
  pair.stream_down();
  pair.run(minutes{5});
  EXPECT_TRUE(pair.is_direct());
  EXPECT_EQ(pair.ends[kCaller].ways.size(), 1U) << "it never left";
  pair.stream_up();
  pair.run(seconds{10});
  settle(pair);
  pair.expect_no_loss_of_ours();
  EXPECT_EQ(pair.ends[kCaller].ways.size(), 1U);
}

TEST(DatagramPathSimulation, NoticesSoonThatThePeerIsGoneThoughNothingIsSent) {
  DatagramPair pair{1};
  pair.begin();
  pair.run(seconds{5});
  ASSERT_TRUE(pair.is_direct());
  pair.world.faults.is_shut = true;
  pair.stream_down();
  EXPECT_LE(pair.run_until([&] { return pair.is_on_stream(); }, seconds{30}), seconds{3});
}

// --- Addresses

TEST(DatagramPathSimulation, ComesThroughTheNatOfTheCaller) {
  DatagramPair pair{1, 2, 2};
  pair.world.hosts[kCaller] = {{address("10.0.0.2")}, 40000, Nat{{address("203.0.113.5"), 61000}, {}}};
  pair.begin();
  EXPECT_LT(pair.run_until([&] { return pair.is_direct(); }, seconds{10}), seconds{2});
}

TEST(DatagramPathSimulation, MeetsBehindTwoNatsThatKeepPorts) {
  DatagramPair pair{1};
  pair.world.hosts[kCaller] = {{address("10.0.0.2")}, 40000, Nat{{address("203.0.113.5"), 40000}, {}}};
  pair.world.hosts[kCalled] = {{address("10.9.0.2")}, 22, Nat{{address("192.0.2.1"), 22}, {}}};
  pair.begin();
  EXPECT_LT(pair.run_until([&] { return pair.is_direct(); }, seconds{10}), seconds{3});
}

TEST(DatagramPathSimulation, TakesTheOtherFamilyWhereOneIsShut) {
  DatagramPair pair{1};
  pair.world.faults.unreachable = {address("192.0.2.1"), address("203.0.113.5")};
  pair.begin();
  EXPECT_LT(pair.run_until([&] { return pair.is_direct(); }, seconds{10}), seconds{2});
  EXPECT_EQ(pair.ends[kCaller].path->status().remote, (Endpoint{address("2001:db8::1"), 22}));
}

TEST(DatagramPathSimulation, NeverSendsIntoTheTunnelItself) {
  DatagramPair pair{1};
  pair.facts[kCaller].tunnelled = {Prefix::parse("10.0.0.0/8").value()};
  pair.world.hosts[kCalled].addresses = {address("10.9.0.2")};
  pair.begin();
  pair.run(seconds{30});
  EXPECT_EQ(pair.ends[kCaller].way, Way::kStream);
}

TEST(DatagramPathSimulation, FollowsARebindingOfTheNat) {
  for (std::uint64_t seed = 1; seed <= seeds(40); ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    DatagramPair pair{seed, 2, 2};
    pair.world.hosts[kCaller] = {{address("10.0.0.2")}, 40000, Nat{{address("203.0.113.5"), 61000}, {}}};
    pair.keep_sending(milliseconds{10});
    pair.begin();
    pair.run(seconds{4} + milliseconds{seed * 13});
    ASSERT_TRUE(pair.is_direct());
    pair.world.hosts[kCaller].nat = Nat{{address("203.0.113.5"), 62000}, {}};
    pair.run(seconds{1});
    EXPECT_EQ(pair.ends[kCalled].path->status().remote, (Endpoint{address("203.0.113.5"), 62000}));
    EXPECT_TRUE(pair.is_direct());
    EXPECT_EQ(pair.ends[kCaller].ways.size(), 1U) << "it never left the datagrams";
    settle(pair);
    pair.expect_no_loss_of_ours();
  }
}

TEST(DatagramPathSimulation, FollowsARebindingOfAnIdleNatByItsKeepalives) {
  DatagramPair pair{1};
  pair.world.hosts[kCaller] = {{address("10.0.0.2")}, 40000, Nat{{address("203.0.113.5"), 61000}, {}}};
  pair.begin();
  pair.run(seconds{30});
  pair.world.hosts[kCaller].nat = Nat{{address("203.0.113.5"), 62000}, {}};
  pair.run(seconds{45});
  EXPECT_EQ(pair.ends[kCalled].path->status().remote, (Endpoint{address("203.0.113.5"), 62000}));
  EXPECT_TRUE(pair.is_direct());
}

TEST(DatagramPathSimulation, FollowsAChangeOfAddress) {
  DatagramPair pair{3};
  pair.keep_sending(milliseconds{10});
  pair.begin();
  pair.run(seconds{5});
  pair.world.hosts[kCaller].addresses = {address("198.51.100.77")};
  pair.ends[kCaller].path->network_changed(pair.now, pair.world.hosts[kCaller].addresses);
  pair.run(seconds{1});
  EXPECT_EQ(pair.ends[kCalled].path->status().remote, (Endpoint{address("198.51.100.77"), 40000}));
  EXPECT_EQ(pair.ends[kCaller].ways.size(), 1U);
  settle(pair);
  pair.expect_no_loss_of_ours();
}

TEST(DatagramPathSimulation, SendsAKeepaliveEveryTwentySecondsWhenIdle) {
  DatagramPair pair{1};
  pair.begin();
  pair.run(seconds{60});
  const std::uint64_t before = pair.ends[kCaller].counts().dummies_sent;
  pair.run(seconds{200});
  const std::uint64_t sent = pair.ends[kCaller].counts().dummies_sent - before;
  EXPECT_GE(sent, 8U);
  EXPECT_LE(sent, 22U);
}

// --- Sizes

TEST(DatagramPathSimulation, FindsTheMtuOfThePath) {
  for (const std::size_t mtu : {1500UL, 1492UL, 1400UL, 1300UL}) {
    DatagramPair pair{1};
    pair.world.faults.mtu = mtu;
    pair.begin();
    pair.run(seconds{40});
    ASSERT_TRUE(pair.is_direct());
    const std::size_t found = *pair.ends[kCaller].path->status().outer_mtu;
    EXPECT_LE(found, mtu);
    EXPECT_GT(found + 2 * kMtuStep, mtu);
    EXPECT_EQ(pair.ends[kCaller].inner_mtu, inner_mtu(found, Family::kIpv4));
  }
}

TEST(DatagramPathSimulation, NarrowsTheTunnelForNoMomentOnTheWayIn) {
  DatagramPair pair{1};
  pair.keep_sending(milliseconds{10});
  pair.begin();
  pair.run(seconds{10});
  for (int i = 0; i < 3; ++i) {
    pair.world.faults.is_shut = true;
    pair.run(seconds{10});
    pair.world.faults.is_shut = false;
    pair.run(seconds{10});
    EXPECT_TRUE(pair.is_direct());
  }
  for (const DatagramEnd& end : pair.ends)
    EXPECT_THAT(end.inner_mtus, ::testing::Each(::testing::Ge(inner_mtu(1500, Family::kIpv6))));
}

TEST(DatagramPathSimulation, ReturnsWithinFiveSecondsToANarrowPathThatItKnows) {
  DatagramPair pair{1};
  pair.world.faults.mtu = 1400;
  pair.keep_sending(milliseconds{10});
  pair.begin();
  EXPECT_LE(pair.run_until([&] { return pair.is_direct(); }, seconds{10}), seconds{5});
  pair.run(seconds{40});
  pair.ends[kCaller].inner_mtus.clear();
  pair.world.faults.is_shut = true;
  pair.run(seconds{10});
  pair.world.faults.is_shut = false;
  EXPECT_LE(pair.run_until([&] { return pair.is_direct(); }, seconds{10}), seconds{5});
  EXPECT_THAT(pair.ends[kCaller].inner_mtus,
              ::testing::Each(::testing::Ge(inner_mtu(1400 - 2 * kMtuStep, Family::kIpv6))));
}

TEST(DatagramPathSimulation, FindsTheMtuOfALongPath) {
  DatagramPair pair{1};
  pair.world.faults.latency = milliseconds{800};
  pair.stream_latency = milliseconds{800};
  pair.world.faults.mtu = 1492;
  pair.begin();
  pair.run(minutes{2});
  ASSERT_TRUE(pair.is_direct()) << pair.describe();
  EXPECT_GT(*pair.ends[kCaller].path->status().outer_mtu + 2 * kMtuStep, 1492U);
}

TEST(DatagramPathSimulation, LosesNoFullPacketOnceTheMtuIsFound) {
  DatagramPair pair{1};
  pair.world.faults.mtu = 1420;
  pair.begin();
  pair.run(seconds{40});
  pair.keep_sending(milliseconds{10}, 0);
  pair.run(seconds{20});
  settle(pair);
  EXPECT_THAT(pair.world.lost, ::testing::IsEmpty());
}

TEST(DatagramPathSimulation, StaysOnTheStreamWhereIpv6WouldNotFit) {
  DatagramPair pair{1};
  for (PathFacts& facts : pair.facts) facts.carries_ipv6 = true;
  pair.world.faults.mtu = 1330;
  pair.begin();
  pair.run(minutes{1});
  EXPECT_TRUE(pair.is_on_stream());
}

// Both ends do, for so long, on a path whose size is known.
void send_full_packets(DatagramPair& pair, Duration time) {
  pair.begin();
  pair.run(seconds{10});
  pair.keep_sending(milliseconds{10}, 0);
  pair.run(time);
}

TEST(DatagramPathSimulation, FindsOutThatThePathHasBecomeNarrower) {
  DatagramPair pair{1};
  send_full_packets(pair, seconds{5});
  pair.world.faults.mtu = 1400;
  pair.run(seconds{40});
  pair.world.lost.clear();
  pair.run(seconds{5});
  EXPECT_THAT(pair.world.lost, ::testing::IsEmpty());
  EXPECT_TRUE(pair.is_direct());
}

TEST(DatagramPathSimulation, SoonConfirmsASizeThatNoLongerComesThrough) {
  for (std::uint64_t seed = 1; seed <= seeds(20); ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    DatagramPair pair{seed};
    send_full_packets(pair, seconds{5} + milliseconds{seed * 490});
    pair.world.faults.mtu = 1400;
    const auto is_narrow = [&] { return pair.ends[kCaller].path->status().outer_mtu < 1400U; };
    EXPECT_LE(pair.run_until(is_narrow, seconds{20}), seconds{3} + kMaxProbesOfSize * kMtuProbeTimer);
  }
}

TEST(DatagramPathSimulation, TakesNoBurstForLoss) {
  DatagramPair pair{1, 2, 2};
  pair.begin();
  pair.run(seconds{5});
  for (int burst = 0; burst < 100; ++burst) {
    pair.run(milliseconds{pair.world.draw() % 1500});
    for (int i = 0; i < 200; ++i) pair.send_packet(kCaller, 100);
    pair.run_until([&] { return pair.ends[kCaller].path->status().loss_per_mille > 0; }, milliseconds{100});
    ASSERT_EQ(pair.ends[kCaller].path->status().loss_per_mille, 0U) << "burst " << burst;
  }
}

TEST(DatagramPathSimulation, TellsHowMuchIsLost) {
  DatagramPair pair{1};
  pair.begin();
  pair.run(seconds{5});
  pair.world.faults.loss = 10;
  pair.keep_sending(milliseconds{5});
  pair.run(seconds{5});
  EXPECT_NEAR(pair.ends[kCaller].path->status().loss_per_mille, 100, 50);
}

TEST(DatagramPathSimulation, TakesPacketsOffAPathThatSwallowsTheLongOnes) {
  for (std::uint64_t seed = 1; seed <= seeds(40); ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    DatagramPair pair{seed};
    send_full_packets(pair, seconds{5} + milliseconds{seed * 37});
    pair.world.faults.mtu = 1400;
    EXPECT_LE(pair.run_until([&] { return pair.is_on_stream(); }, seconds{10}), milliseconds{2100});
    EXPECT_LE(pair.run_until([&] { return pair.is_direct(); }, seconds{20}), seconds{10});
    EXPECT_LE(*pair.ends[kCaller].path->status().outer_mtu, 1400U);
  }
}

TEST(DatagramPathSimulation, DoubtsNoSizeForAnOutageOfAll) {
  for (std::uint64_t seed = 1; seed <= seeds(40); ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    DatagramPair pair{seed};
    send_full_packets(pair, milliseconds{seed * 37});
    // Nothing comes through, whatever its size.
    pair.world.faults.is_shut = true;
    pair.run(milliseconds{1100});
    pair.world.faults.is_shut = false;
    pair.run(seconds{5});
    for (const DatagramEnd& end : pair.ends) EXPECT_EQ(end.ways.size(), 1U) << "it never left the datagrams";
  }
}

TEST(DatagramPathSimulation, BelievesIcmpOnlyOfALiveSpi) {
  DatagramPair pair{1};
  pair.begin();
  pair.run(seconds{10});
  DatagramPath& path = *pair.ends[kCaller].path;
  const Endpoint remote = path.status().remote.value();
  path.too_big(pair.now, remote, esp::Spi{4711}, 1300);
  EXPECT_EQ(path.status().outer_mtu, 1500U);
  path.too_big(pair.now, remote, path.rekeyer().live().back().sas.outbound[0], 1300);
  EXPECT_EQ(path.status().outer_mtu, kBasePlpmtu);
}

// --- Sleep, restarts, the end

TEST(DatagramPathSimulation, ComesBackAfterSleep) {
  for (const auto time : {seconds{30}, seconds{300}, seconds{3600}, seconds{100000}}) {
    DatagramPair pair{1};
    pair.keep_sending(milliseconds{10});
    pair.begin();
    pair.run(seconds{5});
    pair.stop_sending();
    pair.run(seconds{2});
    pair.sleep(time);
    pair.run(milliseconds{50});
    pair.keep_sending(milliseconds{10});
    pair.run(seconds{5});
    EXPECT_TRUE(pair.is_direct()) << time.count() << " s";
    settle(pair);
    pair.expect_no_loss_of_ours();
  }
}

TEST(DatagramPathSimulation, StartsAfreshWithAnEndThatRestarted) {
  for (const std::size_t end : {kCaller, kCalled}) {
    DatagramPair pair{1};
    pair.keep_sending(milliseconds{10});
    pair.begin();
    pair.run(seconds{5});
    pair.stream_down();
    pair.start(end);
    pair.stream_up();
    EXPECT_LE(pair.run_until([&] { return pair.is_direct(); }, seconds{10}), seconds{5});
  }
}

TEST(DatagramPathSimulation, EndsAtBothEndsWhenOneSwitchesItOff) {
  DatagramPair pair{1};
  pair.keep_sending(milliseconds{10});
  pair.begin();
  pair.run(seconds{5});
  ASSERT_TRUE(pair.is_direct());
  pair.ends[kCalled].path->close(pair.now);
  pair.run(seconds{1});
  EXPECT_TRUE(pair.is_on_stream());
  EXPECT_THAT(pair.ends[kCaller].path->rekeyer().live(), ::testing::IsEmpty());
  EXPECT_THAT(pair.ends[kCalled].path->rekeyer().live(), ::testing::IsEmpty());
  pair.run(minutes{1});
  EXPECT_TRUE(pair.is_on_stream()) << "until the next stream";
}

TEST(DatagramPathSimulation, BeginsAgainWithTheNextStreamAfterItWasSwitchedOff) {
  for (const std::size_t end : {kCaller, kCalled}) {
    DatagramPair pair{1};
    pair.begin();
    pair.run(seconds{5});
    pair.ends[end].path->close(pair.now);
    pair.run(seconds{5});
    pair.stream_down();
    pair.run(seconds{1});
    pair.stream_up();
    EXPECT_LE(pair.run_until([&] { return pair.is_direct(); }, seconds{10}), seconds{5});
  }
}

// --- All of it

void disturb(DatagramPair& pair) {
  UdpWorld& world = pair.world;
  switch (world.draw() % 8) {
    case 0:
      world.faults.is_shut = !world.faults.is_shut;
      return;
    case 1:
      world.faults.loss = static_cast<unsigned>(world.draw() % 30);
      return;
    case 2:
      world.faults.jitter = milliseconds{world.draw() % 100};
      return;
    case 3:
      world.hosts[kCaller].nat->outside.port = static_cast<std::uint16_t>(50000 + world.draw() % 1000);
      world.hosts[kCaller].nat->allowed.clear();
      return;
    case 4:
      world.hosts[kCaller].nat->outside.address =
          IpAddress::v4(static_cast<std::uint32_t>(0xcb007100 + world.draw() % 200));
      world.hosts[kCaller].nat->allowed.clear();
      pair.ends[kCaller].path->network_changed(pair.now, world.hosts[kCaller].addresses);
      return;
    case 5:
      pair.stream_down();
      pair.run(milliseconds{world.draw() % 3000});
      pair.stream_up();
      return;
    case 6:
      world.faults.duplication = static_cast<unsigned>(world.draw() % 20);
      return;
    default:
      pair.stop_sending();
      pair.run(milliseconds{500});
      pair.sleep(milliseconds{world.draw() % 100000});
      pair.run(milliseconds{50});
      pair.keep_sending(milliseconds{25});
  }
}

TEST(DatagramPathSimulation, SurvivesEverythingAtOnceAndLosesNothingOfItsOwn) {
  for (std::uint64_t seed = 1; seed <= seeds(300); ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    DatagramPair pair{seed, 1 + seed % 3, 1 + seed % 2};
    pair.world.hosts[kCaller] = {{address("10.0.0.2")}, 40000, Nat{{address("203.0.113.5"), 61000}, {}}};
    esp::SaLimits limits;
    limits.soft_packets = 100;
    limits.hard_packets = 1000000;
    pair.tunnel_options.limits = limits;
    pair.keep_sending(milliseconds{25});
    pair.begin();
    for (int i = 0; i < 15; ++i) {
      pair.run(milliseconds{pair.world.draw() % 6000});
      disturb(pair);
    }
    pair.world.faults = UdpFaults{};
    EXPECT_LE(pair.run_until([&] { return pair.is_direct(); }, seconds{20}), seconds{6}) << pair.describe();
    settle(pair);
    pair.expect_no_loss_of_ours();
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace isthmus::session::testing
