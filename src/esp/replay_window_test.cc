#include "esp/replay_window.h"

#include <gtest/gtest.h>

#include <set>

#include "base/seeded_random.h"

namespace isthmus::esp {
namespace {

SequenceNumber number(std::uint64_t value) {
  return SequenceNumber{value};
}

TEST(ReplayWindow, RejectsTheSameNumberTwice) {
  ReplayWindow window;
  window.commit(number(7));
  EXPECT_FALSE(window.is_fresh(number(7)));
}

TEST(ReplayWindow, TakesOlderNumbersInAnyOrderOnce) {
  ReplayWindow window;
  for (const std::uint64_t value : {100U, 3U, 99U, 1U, 64U, 63U, 65U}) {
    ASSERT_TRUE(window.is_fresh(number(value)));
    window.commit(number(value));
    ASSERT_FALSE(window.is_fresh(number(value)));
  }
  EXPECT_EQ(window.highest(), number(100));
}

TEST(ReplayWindow, NeverTakesNumberZero) {
  EXPECT_FALSE(ReplayWindow{}.is_fresh(number(0)));
}

TEST(ReplayWindow, IsAsLargeAsItSaysAndNoLarger) {
  for (const std::uint64_t top : {8128U, 8191U, 8192U, 8193U, 100000U, 100031U, 100032U}) {
    ReplayWindow window;
    window.commit(number(top));
    EXPECT_TRUE(window.is_fresh(number(top - ReplayWindow::kSize + 1))) << top;
    EXPECT_FALSE(window.is_fresh(number(top - ReplayWindow::kSize))) << top;
  }
}

TEST(ReplayWindow, ForgetsNothingWhenItIsOnlyLookedAt) {
  ReplayWindow window;
  window.commit(number(10));
  EXPECT_TRUE(window.is_fresh(number(1'000'000)));
  EXPECT_TRUE(window.is_fresh(number(9)));
  EXPECT_FALSE(window.is_fresh(number(10)));
}

TEST(ReplayWindow, StartsBehindAPast) {
  const ReplayWindow window{number(5000)};
  EXPECT_FALSE(window.is_fresh(number(5000)));
  EXPECT_TRUE(window.is_fresh(number(5001)));
  EXPECT_TRUE(window.is_fresh(number(4999)));
}

// The window as RFC 4303 section 3.4.3 tells of it: all numbers ever received, and an edge.
TEST(ReplayWindow, AgreesWithAListOfEverythingReceived) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRandom random{seed};
    ReplayWindow window;
    std::set<std::uint64_t> received;
    std::uint64_t highest = 0;
    for (int i = 0; i < 20000; ++i) {
      const std::uint64_t behind = random.u32() % 9000;
      const std::uint64_t jump = random.u32() % 50 == 0 ? random.u32() % 20000 : random.u32() % 200;
      const std::uint64_t value =
          random.u32() % 2 == 0 && highest > behind ? highest - behind : highest + jump;
      const bool is_in_reach = value > highest || highest - value < ReplayWindow::kSize;
      const bool is_fresh = value != 0 && is_in_reach && !received.contains(value);
      ASSERT_EQ(window.is_fresh(number(value)), is_fresh) << "seed " << seed << ", number " << value;
      if (!is_fresh) continue;
      window.commit(number(value));
      received.insert(value);
      highest = std::max(highest, value);
    }
  }
}

}  // namespace
}  // namespace isthmus::esp
