#include "dataplane/path_error_limit.h"

#include <gtest/gtest.h>

namespace isthmus::dataplane {
namespace {

using std::chrono::milliseconds;

constexpr Instant kStart{std::chrono::hours{1}};

const io::PathError kUnreachable{.to = {}, .first_word = {}, .mtu = {}};
const io::PathError kTooBig{.to = {}, .first_word = {}, .mtu = 1300};
const io::PathError kOurOwn{.to = {}, .is_local = true, .first_word = {}, .mtu = 1300};

// How many of `count` such at that moment are passed on.
unsigned taken(PathErrorLimit& limit, const io::PathError& error, unsigned count, Duration after = {}) {
  unsigned sum = 0;
  for (unsigned i = 0; i < count; ++i) sum += limit.takes(kStart + after, error) ? 1 : 0;
  return sum;
}

TEST(PathErrorLimit, TakesAFewOfAKindInAPeriod) {
  PathErrorLimit limit;
  EXPECT_EQ(taken(limit, kTooBig, 500), PathErrorLimit::kTold);
  EXPECT_EQ(taken(limit, kTooBig, 500, milliseconds{999}), 0U);
  EXPECT_EQ(taken(limit, kTooBig, 500, milliseconds{1000}), PathErrorLimit::kTold);
}

TEST(PathErrorLimit, LetsNoKindCrowdOutAnother) {
  PathErrorLimit limit;
  EXPECT_EQ(taken(limit, kUnreachable, 500), PathErrorLimit::kTold);
  EXPECT_EQ(taken(limit, kTooBig, 1), 1U);
  EXPECT_EQ(taken(limit, kTooBig, 500), PathErrorLimit::kTold - 1);
  EXPECT_EQ(taken(limit, kOurOwn, 1), 1U);
}

TEST(PathErrorLimit, CallsItAFloodUntilItsPeriodIsOver) {
  PathErrorLimit limit;
  (void)taken(limit, kUnreachable, PathErrorLimit::kFlood - 1);
  EXPECT_FALSE(limit.is_flooded());
  (void)taken(limit, kUnreachable, 1);
  EXPECT_TRUE(limit.is_flooded());
  EXPECT_FALSE(limit.is_over(kStart + milliseconds{999}));
  EXPECT_TRUE(limit.is_over(kStart + milliseconds{1000}));
  (void)taken(limit, kUnreachable, 1, milliseconds{1000});
  EXPECT_FALSE(limit.is_flooded());
}

}  // namespace
}  // namespace isthmus::dataplane
