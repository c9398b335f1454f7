#include "dataplane/standing_queue.h"

#include <gtest/gtest.h>

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
  for (long start = 0; start < 5000; start += 100) {
    EXPECT_TRUE(marks(queue, start, start + 99, milliseconds{9}).empty());
    EXPECT_TRUE(marks(queue, start + 99, start + 100, milliseconds{0}).empty());
  }
}

TEST(StandingQueue, MarksMoreAndMoreOfALongOne) {
  StandingQueue queue;
  const std::vector<long> found = marks(queue, 0, 1000, milliseconds{3});
  // RFC 8289 section 5: after an interval, then after interval / sqrt(count).
  EXPECT_EQ((std::vector<long>{found.begin(), found.begin() + 4}), (std::vector<long>{100, 200, 271, 329}));
  EXPECT_GT(found.size(), 10U);
}

TEST(StandingQueue, StopsWhenItIsShortAgain) {
  StandingQueue queue;
  ASSERT_FALSE(marks(queue, 0, 500, milliseconds{3}).empty());
  EXPECT_TRUE(marks(queue, 500, 600, milliseconds{0}).empty());
  EXPECT_TRUE(marks(queue, 600, 699, milliseconds{3}).empty());
}

}  // namespace
}  // namespace isthmus::dataplane
