#include "session/path_health.h"

#include <gtest/gtest.h>

namespace isthmus::session {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart{seconds{1000}};

TEST(PathHealth, MeansNothingBySilenceWhileNothingIsSent) {
  PathHealth health;
  health.begin(kStart);
  for (int tick = 0; tick < 100; ++tick) health.observe(kStart + tick * kPathTick, 0);
  EXPECT_EQ(health.silent_at(), std::nullopt);
  EXPECT_FALSE(health.is_doubtful(kStart + seconds{50}));
}

TEST(PathHealth, IsDoubtfulAfterHalfASecondAndSilentAfterOneAndThreeQuarters) {
  PathHealth health;
  health.begin(kStart);
  health.observe(kStart, 0);
  for (int tick = 1; tick < 5; ++tick) health.observe(kStart + tick * kPathTick, 10);
  EXPECT_FALSE(health.is_doubtful(kStart + milliseconds{499}));
  EXPECT_TRUE(health.is_doubtful(kStart + kDoubtAfter));
  EXPECT_FALSE(health.is_silent(kStart + kSilentAfter - milliseconds{1}));
  EXPECT_TRUE(health.is_silent(kStart + kSilentAfter));
}

TEST(PathHealth, IsWellAgainWithAnyWordOfThePeer) {
  PathHealth health;
  health.begin(kStart);
  health.observe(kStart + kPathTick, 10);
  health.confirm(kStart + seconds{2});
  EXPECT_EQ(health.silent_at(), std::nullopt);
  health.observe(kStart + seconds{2}, 20);
  EXPECT_EQ(health.silent_at(), kStart + seconds{2} + kSilentAfter);
}

TEST(PathHealth, ExpectsAnAnswerToAProbeThoughNothingElseIsSent) {
  PathHealth health;
  health.begin(kStart);
  health.expect(kStart + seconds{20}, milliseconds{30});
  EXPECT_FALSE(health.is_doubtful(kStart + seconds{20}));
  EXPECT_EQ(health.silent_at(), kStart + seconds{20} + kUnansweredAfter);
  EXPECT_TRUE(health.is_silent(kStart + seconds{20} + kUnansweredAfter));
  health.confirm(kStart + seconds{21});
  EXPECT_EQ(health.silent_at(), std::nullopt);
}

TEST(PathHealth, WaitsForTwoRoundTripsWhereTheyAreLong) {
  PathHealth health;
  health.begin(kStart);
  health.expect(kStart, seconds{1});
  EXPECT_EQ(health.silent_at(), kStart + seconds{2});
}

TEST(PathHealth, BlamesNobodyForTheTimeThatWeSlept) {
  PathHealth health;
  health.begin(kStart);
  health.observe(kStart + kPathTick, 10);
  health.observe(kStart + seconds{3600}, 10);
  EXPECT_FALSE(health.is_silent(kStart + seconds{3600}));
  EXPECT_EQ(health.silent_at(), kStart + seconds{3600} + kSilentAfter);
}

}  // namespace
}  // namespace isthmus::session
