// The end of an SA's sequence numbers, and what comes after it: sending stops, new keys are asked for, and
// packets go on by those. No number comes round.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "datagram_pair.h"
#include "seeds.h"

namespace isthmus::session::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kBurst = 1500;

esp::SaStatus in_use(const DatagramEnd& end) {
  const std::vector<esp::SaStatus> all = end.tunnels.front().status();
  return *std::ranges::find_if(all, &esp::SaStatus::is_in_use);
}

// Uses numbers up to `last`, by packets that are lost on the way.
void use_numbers(DatagramEnd& end, std::uint64_t last) {
  Bytes room = test::packet_of({});
  Bytes sealed(esp::sealed_size(room.size()));
  room.resize(room.size() + esp::kTrailerRoom);
  for (std::uint64_t number = in_use(end).highest_sequence; number < last; ++number)
    ASSERT_TRUE(end.tunnels.front().seal(room, sealed)) << "number " << number + 1;
}

void join(DatagramPair& pair) {
  pair.begin();
  pair.run_until([&] { return pair.is_direct(); }, seconds{10});
  pair.run(seconds{2});
}

// More packets than there are numbers, before anybody can do anything about it, and what both ends make of
// that.
void expect_stop_and_new_keys(DatagramPair& pair, std::size_t end, std::uint64_t last) {
  DatagramEnd& from = pair.ends[end];
  const esp::SaStatus before = in_use(from);
  const std::uint64_t left = last - before.highest_sequence;
  for (int i = 0; i < kBurst; ++i) pair.send_packet(end, 100);
  EXPECT_EQ(in_use(from).highest_sequence, last);
  EXPECT_THAT(from.drops, ::testing::ElementsAre(::testing::Pair(esp::Drop::kHardLimit, kBurst - left)));

  pair.run(kStep);  // in which both hear of it
  pair.keep_sending(milliseconds{10});
  const auto has_new_keys = [&] {
    return pair.is_direct() && in_use(from).generation > before.generation &&
           in_use(pair.ends[1 - end]).generation > before.generation;
  };
  EXPECT_LE(pair.run_until(has_new_keys, seconds{10}), seconds{2}) << pair.describe();
  pair.run(seconds{5});
  pair.stop_sending();
  pair.run(seconds{2});
  EXPECT_EQ(pair.lost_by_us(end), kBurst - left) << "but for those beyond the last number nothing is lost";
  EXPECT_EQ(pair.lost_by_us(1 - end), 0U);
}

TEST(LastNumberSimulation, StopsTheSenderAndIsFollowedByNewKeys) {
  for (const std::size_t end : {kCaller, kCalled}) {
    SCOPED_TRACE(::testing::Message() << "end " << end);
    DatagramPair pair{18};
    esp::SaLimits limits = esp::SaLimits::of(false);
    limits.soft_packets = 500;
    limits.hard_packets = 1000;
    pair.tunnel_options.limits = limits;
    join(pair);
    expect_stop_and_new_keys(pair, end, limits.hard_packets);
  }
}

// FAULTS F18, with nothing lowered: six minutes. Both ends seal alike; the caller shows it.
TEST(LastNumberSimulation, OfFourThousandMillionStopsTheSender) {
  if (!is_soak()) GTEST_SKIP() << "only with ISTHMUS_SOAK=1";
  DatagramPair pair{18};
  join(pair);
  const std::uint64_t last = esp::SaLimits::of(false).hard_packets;
  use_numbers(pair.ends[kCaller], last - kBurst / 2);
  if (::testing::Test::HasFatalFailure()) return;
  expect_stop_and_new_keys(pair, kCaller, last);
}

}  // namespace
}  // namespace isthmus::session::testing
