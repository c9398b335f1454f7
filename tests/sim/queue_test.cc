// The queue before the stream, by seeds: whatever comes, in whatever order.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <map>
#include <random>

#include "allocation_count.h"
#include "seeds.h"
#include "session/fq_codel.h"
#include "session/queue_packets.h"
#include "session/receive_reporter.h"
#include "session/stream_window.h"

namespace isthmus::session {
namespace {

using std::chrono::microseconds;

constexpr Instant kStart{std::chrono::hours{1}};
constexpr std::size_t kNumberAt = 24;

// Random packets in and out, at random times, of a queue with little memory.
class Shuffle {
 public:
  explicit Shuffle(std::uint64_t seed)
      : random_(seed), limit_((1 + random_() % 4) * PacketArena::kLargest), queue_(seed, limit_) {}

  void run(int turns) {
    const unsigned flows = 1 + static_cast<unsigned>(random_() % 40);
    const std::uint64_t bias = 1 + random_() % 3;
    for (int turn = 0; turn < turns; ++turn) {
      now_ += microseconds{random_() % 3000};
      if (random_() % 4 < bias)
        put(1 + static_cast<unsigned>(random_() % flows));
      else
        take();
    }
    while (take()) {
    }
  }

  [[nodiscard]] const FqCodel& queue() const { return queue_; }
  std::uint64_t put_in = 0;
  std::uint64_t taken = 0;
  bool is_in_order = true;
  bool is_within_memory = true;

 private:
  void put(unsigned flow) {
    const std::size_t size = 32 + random_() % (1U << random_() % 16);
    Bytes packet = ipv4_packet({.flow = flow, .size = size, .ecn = static_cast<unsigned>(random_() % 4)});
    const std::uint32_t number = ++last_put_[flow];
    std::memcpy(packet.data() + kNumberAt, &number, sizeof number);
    queue_.enqueue(now_, {packet, 0});
    ++put_in;
    is_within_memory = is_within_memory && queue_.held() <= limit_;
  }

  bool take() {
    const auto packet = queue_.dequeue(now_);
    if (!packet) return false;
    ++taken;
    std::uint32_t number = 0;
    std::memcpy(&number, packet->octets.data() + kNumberAt, sizeof number);
    std::uint32_t& last = last_taken_[packet->octets[20] * 256U + packet->octets[21]];
    is_in_order = is_in_order && number > last && header_checksum(packet->octets.first(20)) == 0;
    last = number;
    return true;
  }

  std::mt19937_64 random_;
  std::size_t limit_;
  FqCodel queue_;
  Instant now_ = kStart;
  std::map<unsigned, std::uint32_t> last_put_;
  std::map<unsigned, std::uint32_t> last_taken_;
};

TEST(Queue, LosesNothingUncountedAndKeepsOrderAndMemoryForEverySeed) {
  for (std::uint64_t seed = 1; seed <= testing::seeds(1500); ++seed) {
    Shuffle shuffle(seed);
    shuffle.run(400);
    const FqCodelCounters& counters = shuffle.queue().counters();
    ASSERT_EQ(shuffle.put_in, shuffle.taken + counters.dropped + counters.dropped_for_room)
        << "seed " << seed;
    ASSERT_TRUE(shuffle.is_in_order) << "seed " << seed;
    ASSERT_TRUE(shuffle.is_within_memory) << "seed " << seed;
    ASSERT_EQ(shuffle.queue().held(), 0U) << "seed " << seed;
  }
}

TEST(Queue, AllocatesNothingOncePacketsFlow) {
  FqCodel queue(7);
  StreamWindow window;
  ReceiveReporter reporter;
  const std::array<Bytes, 3> packets = {ipv4_packet({.flow = 1, .size = 64}),
                                        ipv4_packet({.flow = 2, .ecn = 2}),
                                        ipv6_packet({.flow = 3, .size = 60000})};
  Instant now = kStart;
  std::uint64_t position = 0;
  const auto turn = [&](std::size_t i) {
    now += microseconds{10 + i % 7};
    queue.enqueue(now, {packets[i % 3], 0});
    while (window.is_open(now)) {
      const auto packet = queue.dequeue(now);
      if (!packet) break;
      position += packet->octets.size();
      window.sent(now, position);
      reporter.packets_received(now, packet->octets.size());
    }
    if (i % 50 != 0 || !reporter.is_due(now)) return;
    window.reported(now, position);
    reporter.reported(now);
  };
  for (std::size_t i = 0; i < 1000; ++i) turn(i);

  const std::uint64_t before = allocation_count();
  for (std::size_t i = 0; i < 100'000; ++i) turn(i);
  EXPECT_EQ(allocation_count(), before);
}

TEST(Queue, WouldNoticeAnAllocation) {
  const std::uint64_t before = allocation_count();
  const Bytes packet = ipv4_packet({});
  EXPECT_GT(allocation_count(), before);
}

}  // namespace
}  // namespace isthmus::session
