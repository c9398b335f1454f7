#include "session/fq_codel.h"

#include <gtest/gtest.h>

#include <map>

#include "session/queue_packets.h"

namespace isthmus::session {
namespace {

using std::chrono::milliseconds;

constexpr Instant kStart{std::chrono::hours{1}};
constexpr std::uint64_t kSeed = 42;

void put(FqCodel& queue, Instant now, const TestPacket& fields, std::uint16_t segment_size = 0) {
  queue.enqueue(now, {ipv4_packet(fields), segment_size});
}

unsigned flow_of(const Packet& packet) {
  return packet.octets[20] * 256U + packet.octets[21];
}
unsigned ecn_of(const Packet& packet) {
  return packet.octets[1] & 3U;
}

TEST(FqCodel, GivesBackWhatItWasGiven) {
  FqCodel queue(kSeed);
  const Bytes octets = ipv6_packet({.size = 9000, .tag = 9});
  queue.enqueue(kStart, {octets, 1440});
  const auto packet = queue.dequeue(kStart);
  ASSERT_TRUE(packet);
  EXPECT_EQ(Bytes(packet->octets.begin(), packet->octets.end()), octets);
  EXPECT_EQ(packet->segment_size, 1440);
}

TEST(FqCodel, KeepsTheOrderOfAFlow) {
  FqCodel queue(kSeed);
  for (std::uint8_t tag = 0; tag < 100; ++tag) put(queue, kStart, {.size = 100U + tag, .tag = tag});
  for (std::uint8_t tag = 0; tag < 100; ++tag) EXPECT_EQ(queue.dequeue(kStart)->octets.back(), tag);
  EXPECT_FALSE(queue.dequeue(kStart));
}

TEST(FqCodel, CountsWhatItHolds) {
  FqCodel queue(kSeed);
  put(queue, kStart, {.size = 100});
  put(queue, kStart, {.size = 1500});
  EXPECT_EQ(queue.octets(), 1600U);
  EXPECT_EQ(queue.packets(), 2U);
  EXPECT_EQ(queue.held(), 256U + 2048U);
  while (queue.dequeue(kStart)) {
  }
  EXPECT_TRUE(queue.is_empty());
  EXPECT_EQ(queue.octets(), 0U);
  EXPECT_EQ(queue.held(), 0U);
}

TEST(FqCodel, ForgetsAllWhenCleared) {
  FqCodel queue(kSeed, 64 * 1024);
  for (unsigned flow = 0; flow < 200; ++flow) put(queue, kStart, {.flow = flow, .size = 200});
  queue.dequeue(kStart);
  queue.clear();
  EXPECT_TRUE(queue.is_empty());
  EXPECT_EQ(queue.held(), 0U);
  EXPECT_FALSE(queue.dequeue(kStart));
  put(queue, kStart, {.size = 65535});
  EXPECT_TRUE(queue.dequeue(kStart));
}

TEST(FqCodel, LetsASparseFlowPassABulkFlow) {
  FqCodel queue(kSeed);
  for (int i = 0; i < 100; ++i) put(queue, kStart, {.flow = 1});
  queue.dequeue(kStart);
  queue.dequeue(kStart);
  put(queue, kStart, {.flow = 2, .size = 84});
  EXPECT_EQ(flow_of(*queue.dequeue(kStart)), 2U);
}

// Octets a flow gets of the first `total` that leave the queue.
std::map<unsigned, std::size_t> shares(FqCodel& queue, std::size_t total) {
  std::map<unsigned, std::size_t> octets;
  for (std::size_t sum = 0; sum < total;) {
    const auto packet = queue.dequeue(kStart);
    if (!packet) break;
    octets[flow_of(*packet)] += packet->octets.size();
    sum += packet->octets.size();
  }
  return octets;
}

TEST(FqCodel, SharesOctetsBetweenPacketsOfAllSizes) {
  FqCodel queue(kSeed);
  for (int i = 0; i < 8000; ++i) put(queue, kStart, {.flow = 1, .size = 64});
  for (int i = 0; i < 400; ++i) put(queue, kStart, {.flow = 2, .size = 1500});
  for (int i = 0; i < 20; ++i) put(queue, kStart, {.flow = 3, .size = 65535}, 1440);
  auto octets = shares(queue, 1200 * 1000);
  EXPECT_NEAR(static_cast<double>(octets[1]), 400e3, 66e3);
  EXPECT_NEAR(static_cast<double>(octets[2]), 400e3, 66e3);
  EXPECT_NEAR(static_cast<double>(octets[3]), 400e3, 66e3);
}

TEST(FqCodel, GivesAllFlowsOfSuperPacketsTheSame) {
  FqCodel queue(kSeed);
  for (int i = 0; i < 5; ++i)
    for (unsigned flow = 1; flow <= 20; ++flow) put(queue, kStart, {.flow = flow, .size = 65535}, 1440);
  const auto octets = shares(queue, 40 * 65535);
  for (const auto& [flow, share] : octets) EXPECT_EQ(share, 2U * 65535) << flow;
  EXPECT_EQ(octets.size(), 20U);
}

TEST(FqCodel, StarvesNobodyForEverNewFlows) {
  FqCodel queue(kSeed);
  for (int i = 0; i < 10; ++i) put(queue, kStart, {.flow = 1});
  int served = 0;
  for (unsigned turn = 0; turn < 400; ++turn) {
    // RFC 8290 section 4.2's case: two that take turns, each gone from the queue when the other comes.
    put(queue, kStart, {.flow = 2 + turn % 2, .size = 100});
    if (flow_of(*queue.dequeue(kStart)) == 1) ++served;
  }
  EXPECT_EQ(served, 10);
}

// A queue of one flow that never gets shorter: one in, one out every 10 ms, which leaves `behind` packets.
// Returns how many came out.
int stand(FqCodel& queue, milliseconds time, const TestPacket& fields, std::size_t behind = 10) {
  int count = 0;
  for (Instant now = kStart; now < kStart + time; now += milliseconds{10}) {
    while (queue.packets() <= behind) put(queue, now, fields);
    if (queue.dequeue(now)) ++count;
  }
  return count;
}

TEST(FqCodel, DropsFromAQueueThatStandsForAnInterval) {
  FqCodel queue(kSeed);
  stand(queue, milliseconds{90}, {});
  EXPECT_EQ(queue.counters().dropped, 0U);
  FqCodel longer(kSeed);
  stand(longer, milliseconds{250}, {});
  EXPECT_GE(longer.counters().dropped, 1U);
  EXPECT_EQ(longer.counters().dropped_octets, longer.counters().dropped * 1500);
}

TEST(FqCodel, DropsMoreAndMoreOftenWhileTheQueueStands) {
  FqCodel first(kSeed);
  stand(first, milliseconds{1000}, {});
  FqCodel both(kSeed);
  stand(both, milliseconds{2000}, {});
  EXPECT_GT(both.counters().dropped, 5 * first.counters().dropped / 2);
}

TEST(FqCodel, FollowsTheControlLaw) {
  // RFC 8289 section 5.5: the n-th drop of a dropping state comes 100 ms / sqrt(n) after the one before.
  Codel codel;
  codel.begin_dropping(kStart);
  EXPECT_EQ(codel.drop_next, kStart + milliseconds{100});
  codel.dropped_next();
  EXPECT_NEAR(static_cast<double>((codel.drop_next - kStart).count()), 100e6 + 70.71e6, 1e4);
}

TEST(FqCodel, LeavesAShortQueueAlone) {
  FqCodel queue(kSeed);
  for (Instant now = kStart; now < kStart + milliseconds{2000}; now += milliseconds{1}) {
    put(queue, now - milliseconds{4}, {});
    put(queue, now - milliseconds{4}, {});
    queue.dequeue(now);
    queue.dequeue(now);
  }
  EXPECT_EQ(queue.counters().dropped, 0U);
}

TEST(FqCodel, LeavesTheLastPacketOfASlowQueueAlone) {
  FqCodel queue(kSeed);
  for (Instant now = kStart; now < kStart + milliseconds{2000}; now += milliseconds{20}) {
    put(queue, now - milliseconds{20}, {});
    EXPECT_TRUE(queue.dequeue(now));
  }
  EXPECT_EQ(queue.counters().dropped, 0U);
}

TEST(FqCodel, SparesAFlowOfAFewPacketsHoweverLongTheyWait) {
  FqCodel queue(kSeed);
  EXPECT_EQ(stand(queue, milliseconds{2000}, {.ecn = 2}, 6), 200);
  EXPECT_EQ(queue.counters().marked, 0U);
  FqCodel longer(kSeed);
  stand(longer, milliseconds{2000}, {.ecn = 2}, 7);
  EXPECT_GE(longer.counters().marked, 1U);
}

TEST(FqCodel, MarksInsteadOfDroppingWhereTheFlowUnderstandsIt) {
  FqCodel queue(kSeed);
  EXPECT_EQ(stand(queue, milliseconds{1000}, {.ecn = 2}), 100);
  EXPECT_EQ(queue.counters().dropped, 0U);
  EXPECT_GE(queue.counters().marked, 5U);
}

TEST(FqCodel, MarksSuperPacketsToo) {
  FqCodel queue(kSeed);
  for (int i = 0; i < 20; ++i) put(queue, kStart, {.size = 20000, .ecn = 1}, 1440);
  queue.dequeue(kStart + milliseconds{10});
  const auto packet = queue.dequeue(kStart + milliseconds{120});
  EXPECT_EQ(ecn_of(*packet), 3U);
  EXPECT_EQ(packet->segment_size, 1440);
}

TEST(FqCodel, SendsTheMarkedPacketWithARightHeaderChecksum) {
  FqCodel queue(kSeed);
  for (int i = 0; i < 20; ++i) put(queue, kStart, {.ecn = 2});
  queue.dequeue(kStart + milliseconds{10});
  const auto packet = queue.dequeue(kStart + milliseconds{120});
  EXPECT_EQ(ecn_of(*packet), 3U);
  EXPECT_EQ(header_checksum(packet->octets.first(20)), 0U);
}

TEST(FqCodel, DropsFromTheFattestFlowWhenMemoryIsFull) {
  FqCodel queue(kSeed, 256 * 1024);
  for (std::uint8_t i = 0; i < 10; ++i) put(queue, kStart, {.flow = 2, .size = 1500});
  for (int i = 0; i < 10000; ++i) put(queue, kStart, {.flow = 1, .size = 1500});
  EXPECT_GT(queue.counters().dropped_for_room, 9000U);
  std::map<unsigned, int> count;
  while (const auto packet = queue.dequeue(kStart)) ++count[flow_of(*packet)];
  EXPECT_EQ(count[2], 10);
}

TEST(FqCodel, KeepsTheNewestOfAFlood) {
  FqCodel queue(kSeed, 64 * 1024);
  for (int i = 0; i < 1000; ++i) put(queue, kStart, {.tag = static_cast<std::uint8_t>(i % 256)});
  std::uint8_t last = 0;
  while (const auto packet = queue.dequeue(kStart)) last = packet->octets.back();
  EXPECT_EQ(last, 999 % 256);
}

TEST(FqCodel, StaysWithinItsMemoryUnderAFloodOfTinyPackets) {
  FqCodel queue(kSeed);
  for (unsigned i = 0; i < 100'000; ++i) put(queue, kStart, {.flow = i % 65536, .size = 28});
  EXPECT_LE(queue.held(), FqCodel::kLimit);
  EXPECT_EQ(queue.packets() + queue.counters().dropped_for_room, 100'000U);
}

TEST(FqCodel, TakesALargePacketIntoMemoryFullOfSmallOnes) {
  FqCodel queue(kSeed, 1024 * 1024);
  for (int i = 0; i < 10'000; ++i) put(queue, kStart, {.flow = 1, .size = 28});
  put(queue, kStart, {.flow = 2, .size = 60000});
  bool came = false;
  while (const auto packet = queue.dequeue(kStart)) came = came || flow_of(*packet) == 2;
  EXPECT_TRUE(came);
}

TEST(FqCodel, TakesOctetsThatAreNoIpPacket) {
  FqCodel queue(kSeed);
  for (std::size_t size = 0; size < 100; ++size) queue.enqueue(kStart, {Bytes(size, 0xff), 0});
  std::size_t count = 0;
  while (queue.dequeue(kStart + milliseconds{500})) ++count;
  EXPECT_EQ(count + queue.counters().dropped, 99U);
}

// Small packets of 300 flows, several times what goes out: one that sends less than its share, in large
// packets, passes.
TEST(FqCodel, AFloodOfSmallPacketsDoesNotKeepLargeOnesOut) {
  FqCodel queue{7};
  Instant now{std::chrono::seconds{5}};
  int offered = 0, passed = 0, debt = 0;
  for (int ms = 0; ms < 9000; ++ms) {
    now += milliseconds{1};
    for (int i = 0; i < 50; ++i)
      queue.enqueue(now,
                    {ipv4_packet({.flow = static_cast<unsigned>(10 + (ms * 50 + i) % 300), .size = 60})});
    if (ms > 4000 && ms % 500 == 0) {
      queue.enqueue(now, {ipv4_packet({.flow = 1, .size = 1400})});
      ++offered;
    }
    for (debt += 1250; debt > 0;) {  // 10 Mbit/s
      const auto packet = queue.dequeue(now);
      debt -= packet ? static_cast<int>(packet->octets.size()) : debt;
      if (packet && packet->octets.size() > 1000) ++passed;
    }
  }
  EXPECT_GE(passed, offered * 9 / 10);
}

}  // namespace
}  // namespace isthmus::session
