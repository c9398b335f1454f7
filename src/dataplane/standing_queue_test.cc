#include "dataplane/standing_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace isthmus::dataplane {
namespace {

using std::chrono::milliseconds;

// The times, in milliseconds, at which something was marked of what comes every millisecond after waiting so
// long.
std::vector<long> marks(StandingQueue& queue, long first, long last, Duration waited) {
  std::vector<long> found;
  for (long now = first; now < last; ++now) {
    if (queue.marks(Instant{milliseconds{now}}, waited)) found.push_back(now);
  }
  return found;
}

TEST(StandingQueue, LeavesAShortOneAlone) {
  StandingQueue queue;
  EXPECT_TRUE(marks(queue, 0, 5000, milliseconds{1} - Duration{1}).empty());
}

TEST(StandingQueue, LeavesABurstAlone) {
  StandingQueue queue;
  for (long start = 0; start < 5000; start += 10) {
    EXPECT_TRUE(marks(queue, start, start + 9, milliseconds{9}).empty());
    EXPECT_TRUE(marks(queue, start + 9, start + 10, milliseconds{0}).empty());
  }
}

TEST(StandingQueue, MarksMoreAndMoreOfALongOne) {
  StandingQueue queue;
  const std::vector<long> found = marks(queue, 0, 1000, milliseconds{3});
  // RFC 8289 section 5: after an interval, then after interval / sqrt(count).
  EXPECT_EQ((std::vector<long>{found.begin(), found.begin() + 4}), (std::vector<long>{10, 20, 28, 33}));
  EXPECT_GT(found.size(), 10U);
}

TEST(StandingQueue, MarksNoMoreThanOneAMillisecond) {
  StandingQueue queue;
  (void)marks(queue, 0, 10'000, milliseconds{3});
  int count = 0;
  for (long tenth = 0; tenth < 10'000; ++tenth)
    count +=
        queue.marks(Instant{milliseconds{10'000} + std::chrono::microseconds{100} * tenth}, milliseconds{3});
  EXPECT_NEAR(count, 1000, 100);
}

TEST(StandingQueue, StopsWhenItIsShortAgain) {
  StandingQueue queue;
  ASSERT_FALSE(marks(queue, 0, 500, milliseconds{3}).empty());
  EXPECT_TRUE(marks(queue, 500, 510, milliseconds{0}).empty());
  EXPECT_TRUE(marks(queue, 510, 519, milliseconds{3}).empty());
}

// The longest that anything waits in the second half of a minute, behind a sender that halves its window a
// round trip after a mark and widens it by a hundredth each round trip else. What of the window the path does
// not hold stands in the queue.
Duration longest_wait(bool is_marked_when_due) {
  constexpr double kPath = 1000;  // packets, of 10 ms at 100 packets a millisecond
  StandingQueue queue;
  double window = kPath;
  Duration longest{};
  for (long now = 0; now < 60'000; now += 10) {
    bool is_marked = false;
    for (long step = 0; step < 10; ++step) {
      const Duration waited{static_cast<long>(std::max(window - kPath, 0.0) / 100 * 1e6)};
      is_marked = queue.marks(Instant{milliseconds{now + step}}, waited) || is_marked;
      if (now >= 30'000) longest = std::max(longest, waited);
    }
    window = is_marked && is_marked_when_due ? window / 2 : std::min(window * 1.01, 20 * kPath);
  }
  return longest;
}

TEST(StandingQueue, StaysShortBehindASenderThatHeeds) {
  EXPECT_LT(longest_wait(true), milliseconds{5});
  EXPECT_GT(longest_wait(false), milliseconds{100});
}

}  // namespace
}  // namespace isthmus::dataplane
