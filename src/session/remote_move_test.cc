#include "session/remote_move.h"

#include <gtest/gtest.h>

namespace isthmus::session {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart{seconds{1000}};
constexpr Instant kBefore = kStart - seconds{1};  // the old address answered then, last
constexpr Duration kAtOnce{};
constexpr Duration kPatiently = 2 * kPathTick;
const Endpoint kNew{IpAddress::v4(0xc6336401), 4000};
const Endpoint kOther{IpAddress::v4(0xc6336402), 4000};

TEST(RemoteMove, SendsTwoProbesAtMost) {
  RemoteMove move;
  int probes = 0;
  for (int tick = 0; tick < 100; ++tick) {
    move.begin(kStart + tick * kPathTick, kNew, kAtOnce);
    probes += move.take_probe(kStart + tick * kPathTick) ? 1 : 0;
  }
  EXPECT_EQ(probes, kMoveProbes);
}

TEST(RemoteMove, SendsOneProbeATickHoweverManyAddressesAreHeardOf) {
  RemoteMove move;
  int probes = 0;
  for (int i = 0; i < 1000; ++i) {
    const Instant now = kStart + milliseconds{i};
    move.begin(now, i % 2 == 0 ? kNew : kOther, kAtOnce);
    probes += move.take_probe(now) ? 1 : 0;
  }
  EXPECT_EQ(probes, 2);
}

TEST(RemoteMove, IsNotDueBeforeItsProbeCameBack) {
  RemoteMove move;
  move.begin(kStart, kNew, kAtOnce);
  EXPECT_TRUE(move.take_probe(kStart));
  EXPECT_FALSE(move.is_due(kStart + seconds{1}, kStart));
  move.prove(kStart, kOther);
  EXPECT_FALSE(move.is_due(kStart + seconds{1}, kStart));
  move.prove(kStart, kNew);
  EXPECT_TRUE(move.is_due(kStart + milliseconds{1}, kStart));
}

TEST(RemoteMove, WithPatienceWaitsForTheOldAddressToFallSilent) {
  RemoteMove move;
  move.begin(kStart, kNew, kPatiently);
  move.prove(kStart + milliseconds{20}, kNew);
  EXPECT_FALSE(move.is_due(kStart + milliseconds{999}, kBefore));
  EXPECT_TRUE(move.is_due(kStart + seconds{1}, kBefore));
}

TEST(RemoteMove, WithPatienceGivesTheOldAddressTwiceTheTimeOfTheNew) {
  RemoteMove move;
  move.begin(kStart, kNew, kPathTick);
  move.prove(kStart + milliseconds{600}, kNew);
  EXPECT_FALSE(move.is_due(kStart + milliseconds{1199}, kBefore));
  EXPECT_TRUE(move.is_due(kStart + milliseconds{1200}, kBefore));
}

TEST(RemoteMove, IsNeedlessWhenTheOldAddressAnswers) {
  RemoteMove move;
  move.begin(kStart, kNew, kPatiently);
  move.prove(kStart, kNew);
  EXPECT_FALSE(move.is_needless(kBefore)) << "that probe went out before";
  EXPECT_TRUE(move.is_needless(kStart));
  EXPECT_FALSE(move.is_due(kStart + seconds{1}, kStart));
}

TEST(RemoteMove, IsNotTriedAgainForAWhileOnceItWasNeedless) {
  RemoteMove move;
  move.begin(kStart, kNew, kPatiently);
  move.keep_old(kStart);
  EXPECT_FALSE(move.begin(kStart + kMoveRest - milliseconds{1}, kNew, kPatiently));
  EXPECT_TRUE(move.begin(kStart + seconds{1}, kOther, kPatiently)) << "another address";
  move.end();
  EXPECT_TRUE(move.begin(kStart + kMoveRest, kNew, kPatiently));
}

TEST(RemoteMove, GoesToWhatAnsweredWhenTheOldAddressBecomesDoubtful) {
  RemoteMove move;
  move.begin(kStart, kNew, kPatiently);
  move.keep_old(kStart);
  move.prove(kStart, kNew);
  move.doubt(kStart + seconds{5});
  EXPECT_EQ(move.to(), kNew);
}

TEST(RemoteMove, GoesNowhereByItselfThatHasNotAnswered) {
  RemoteMove move;
  move.begin(kStart, kNew, kPatiently);
  move.keep_old(kStart);
  move.doubt(kStart + seconds{5});
  EXPECT_EQ(move.to(), std::nullopt) << "it has had its two probes";
  EXPECT_TRUE(move.begin(kStart + seconds{6}, kNew, kPatiently)) << "something came from there";
}

TEST(RemoteMove, BecomesSureAndKeepsItsProof) {
  RemoteMove move;
  move.begin(kStart, kNew, kPatiently);
  move.prove(kStart, kNew);
  EXPECT_TRUE(move.begin(kStart, kNew, kAtOnce));
  EXPECT_TRUE(move.is_due(kStart + milliseconds{1}, kStart + milliseconds{1}));
}

TEST(RemoteMove, ThatIsSureGivesWayToNoneThatIsNot) {
  RemoteMove move;
  move.begin(kStart, kNew, kAtOnce);
  EXPECT_FALSE(move.begin(kStart, kOther, kPatiently));
  EXPECT_TRUE(move.begin(kStart, kOther, kAtOnce));
}

TEST(RemoteMove, ProvesNoAddressByTheProofOfAnother) {
  RemoteMove move;
  move.begin(kStart, kNew, kAtOnce);
  move.prove(kStart, kNew);
  move.begin(kStart, kOther, kAtOnce);
  EXPECT_FALSE(move.is_due(kStart + seconds{1}, kStart));
}

TEST(RemoteMove, IsOverAfterAWhile) {
  RemoteMove move;
  EXPECT_FALSE(move.is_over(kStart));
  move.begin(kStart, kNew, kAtOnce);
  EXPECT_FALSE(move.is_over(kStart + seconds{1}));
  EXPECT_TRUE(move.is_over(kStart + kSilentAfter));
}

TEST(RemoteMove, IsRareWhereTheLastIsLongAgo) {
  RemoteMove move;
  EXPECT_TRUE(move.is_rare(kStart));
  move.finish(kStart);
  EXPECT_FALSE(move.is_rare(kStart + kMoveRest - milliseconds{1}));
  EXPECT_TRUE(move.is_rare(kStart + kMoveRest));
}

}  // namespace
}  // namespace isthmus::session
