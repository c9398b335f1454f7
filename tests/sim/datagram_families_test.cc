// Two ends that reach each other by IPv4 and by IPv6: each may find another family first, and both have to
// come to rest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "datagram_pair.h"
#include "seeds.h"

namespace isthmus::session::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const Endpoint kCalled4{address("192.0.2.1"), 22};
const Endpoint kCalled6{address("2001:db8::1"), 22};
const Endpoint kCaller6{address("2001:db8:5::5"), 40000};

// What has been decided and sent, by both ends.
struct Activity {
  std::size_t decisions = 0;
  std::uint64_t dummies[2]{};

  explicit Activity(const DatagramPair& pair) {
    for (const std::size_t end : {kCaller, kCalled}) {
      decisions += pair.ends[end].ways.size() + pair.ends[end].remotes_set;
      dummies[end] = pair.ends[end].counts().dummies_sent;
    }
  }
};

Family family_of(const DatagramEnd& end) {
  return end.path->status().remote->address.family();
}
bool are_at_one(const DatagramPair& pair) {
  return family_of(pair.ends[kCaller]) == family_of(pair.ends[kCalled]);
}

// A minute in which nothing is decided and next to nothing is probed.
void expect_rest(DatagramPair& pair) {
  const Activity before{pair};
  pair.run(minutes{1});
  const Activity after{pair};
  EXPECT_EQ(after.decisions, before.decisions) << pair.describe();
  for (const std::size_t end : {kCaller, kCalled})
    EXPECT_LT(after.dummies[end] - before.dummies[end], minutes{1} / kPathTick / 2) << "of end " << end;
}

// Which family answers first is chance, at each end for itself. Afterwards both take a constant time, so that
// nothing but the rules brings the ends to rest.
void begin_by_chance(DatagramPair& pair, std::uint64_t seed) {
  pair.world.faults.ipv6_detour = milliseconds{seed % 3 * 10};
  pair.world.faults.jitter = milliseconds{40};
  pair.facts[kCalled].ssh_peers = {kCaller6.address};
  pair.begin();
  ASSERT_LT(pair.run_until([&] { return pair.is_direct(); }, seconds{10}), seconds{10});
  pair.world.faults.jitter = {};
}

TEST(DatagramFamiliesSimulation, ComeToRestWhereEachEndFoundAnother) {
  int opposite = 0;
  for (std::uint64_t seed = 1; seed <= seeds(40); ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    DatagramPair pair{seed, 1 + seed % 3, 1 + seed % 2};
    begin_by_chance(pair, seed);
    opposite += are_at_one(pair) ? 0 : 1;
    pair.keep_sending(milliseconds{20});
    pair.run(seconds{3});
    EXPECT_TRUE(are_at_one(pair)) << "the called end follows";
    expect_rest(pair);
    pair.stop_sending();
    pair.run(seconds{2});
    pair.expect_no_loss_of_ours();
  }
  EXPECT_GT(opposite, 0) << "else this has shown nothing";
}

TEST(DatagramFamiliesSimulation, ComeToRestWhereOnlyOneEndSends) {
  for (const std::size_t sender : {kCaller, kCalled}) {
    for (std::uint64_t seed = 1; seed <= seeds(20); ++seed) {
      SCOPED_TRACE(::testing::Message() << "seed " << seed << ", end " << sender);
      DatagramPair pair{seed, 2, 2};
      begin_by_chance(pair, seed);
      pair.keep_sending_from(sender, milliseconds{20});
      pair.run(seconds{5});
      ASSERT_TRUE(pair.is_direct());
      expect_rest(pair);
    }
  }
}

TEST(DatagramFamiliesSimulation, ComeToRestWhereNobodySends) {
  for (std::uint64_t seed = 1; seed <= seeds(20); ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    DatagramPair pair{seed};
    begin_by_chance(pair, seed);
    pair.run(seconds{40});
    ASSERT_TRUE(pair.is_direct());
    expect_rest(pair);
  }
}

TEST(DatagramFamiliesSimulation, ComeToRestUnderLoss) {
  for (std::uint64_t seed = 1; seed <= seeds(20); ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    DatagramPair pair{seed, 2, 1};
    begin_by_chance(pair, seed);
    pair.world.faults.loss = 10;
    pair.keep_sending(milliseconds{20});
    pair.run(seconds{10});
    ASSERT_TRUE(pair.is_direct());
    // Three probes of a size may be lost, which looks like a black hole: that is no matter of addresses.
    const std::size_t before = pair.ends[kCaller].remotes_set + pair.ends[kCalled].remotes_set;
    pair.run(minutes{1});
    EXPECT_EQ(pair.ends[kCaller].remotes_set + pair.ends[kCalled].remotes_set, before) << pair.describe();
  }
}

// --- The called end moves, too

// Runs until the caller sends there, or for two seconds.
void expect_caller_to_follow(DatagramPair& pair, const Endpoint& to, Duration within) {
  const auto is_there = [&] { return pair.ends[kCaller].path->status().remote == to; };
  EXPECT_LE(pair.run_until(is_there, seconds{2}), within);
  EXPECT_TRUE(is_there()) << pair.describe();
}

TEST(DatagramFamiliesSimulation, FollowTheCalledEndToAnotherAddress) {
  for (std::uint64_t seed = 1; seed <= seeds(20); ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    DatagramPair pair{seed, 2, 2};
    begin_by_chance(pair, seed);
    pair.keep_sending(milliseconds{20});
    pair.run(seconds{4} + milliseconds{seed * 13});
    pair.world.hosts[kCalled].addresses = {address("198.51.100.77")};
    pair.ends[kCalled].path->network_changed(pair.now, pair.world.hosts[kCalled].addresses);
    if (family_of(pair.ends[kCalled]) == Family::kIpv6) continue;  // it has none any more, and searches
    expect_caller_to_follow(pair, {address("198.51.100.77"), 22}, milliseconds{1600});
    expect_rest(pair);
  }
}

TEST(DatagramFamiliesSimulation, FollowARebindingOfTheNatOfTheCalledEnd) {
  for (std::uint64_t seed = 1; seed <= seeds(20); ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    DatagramPair pair{seed, 2, 2};
    pair.world.hosts[kCalled] = {{address("10.9.0.2")}, 22, Nat{kCalled4, {}}};
    begin_by_chance(pair, seed);
    pair.keep_sending(milliseconds{20});
    pair.run(seconds{4} + milliseconds{seed * 13});
    pair.world.hosts[kCalled].nat->outside.port = 2222;
    expect_caller_to_follow(pair, {kCalled4.address, 2222}, milliseconds{100});
  }
}

// The caller sends by IPv4 and stays there, though the called end sends by IPv6; then IPv4 ends.
TEST(DatagramFamiliesSimulation, TakeTheFamilyOfThePeerWhereTheirOwnFallsSilent) {
  int opposite = 0;
  for (std::uint64_t seed = 1; seed <= seeds(40); ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    DatagramPair pair{seed};
    begin_by_chance(pair, seed);
    if (are_at_one(pair)) continue;
    ++opposite;
    pair.keep_sending_from(kCalled, milliseconds{20});
    pair.run(seconds{5});
    pair.keep_sending(milliseconds{20});
    const bool is_by_ipv4 = family_of(pair.ends[kCaller]) == Family::kIpv4;
    pair.world.faults.unreachable = {is_by_ipv4 ? kCalled4.address : kCalled6.address};
    expect_caller_to_follow(pair, is_by_ipv4 ? kCalled6 : kCalled4, milliseconds{1600});
  }
  EXPECT_GT(opposite, 0) << "else this has shown nothing";
}

}  // namespace
}  // namespace isthmus::session::testing
