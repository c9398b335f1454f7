// When a Rekeyer makes new keys, and when old ones end.
#include "keying/test_rekeyers.h"

namespace isthmus::keying::testing {
namespace {

TEST_F(RekeyerTest, MakesNewKeysAfterTenMinutes) {
  settle();
  pass(kRekeyAfter - milliseconds{1});
  EXPECT_THAT(numbers(caller_), ElementsAre(1));
  pass(milliseconds{1});
  EXPECT_THAT(numbers(caller_), ElementsAre(1, 2));
}

TEST_F(RekeyerTest, MakesNewKeysAtASoftLimit) {
  settle();
  pass(seconds{1});
  ask_for_keys();
  EXPECT_THAT(numbers(caller_), ElementsAre(1, 2));
  EXPECT_EQ(caller_.outward(), Generation{1}) << "which goes on until the second is proven";
}

TEST_F(RekeyerTest, MakesOneExchangeASecondAtMost) {
  settle();
  ask_for_keys();
  EXPECT_THAT(numbers(caller_), ElementsAre(1));
  pass(kLeastPause - milliseconds{1});
  EXPECT_THAT(numbers(caller_), ElementsAre(1));
  pass(milliseconds{1});
  EXPECT_THAT(numbers(caller_), ElementsAre(1, 2));
}

TEST_F(RekeyerTest, MakesNoThirdGenerationWhileTheSecondIsNotProven) {
  settle();
  pass(seconds{1});
  ask_for_keys();
  for (int i = 0; i < 60; ++i) {
    pass(seconds{1});
    ask_for_keys();
  }
  EXPECT_THAT(numbers(caller_), ElementsAre(1, 2));
}

TEST_F(RekeyerTest, SendsNoMoreByAGenerationAtItsHardLimit) {
  settle();
  caller_.limit_reached(now_, {Generation{1}, true});
  EXPECT_EQ(caller_.outward(), std::nullopt);
  pass(seconds{1});
  prove();
  EXPECT_EQ(caller_.outward(), Generation{2});
}

TEST_F(RekeyerTest, GoesBackToNoOlderGenerationAtAHardLimit) {
  settle();
  pass(seconds{1});
  ask_for_keys();
  prove();
  caller_.limit_reached(now_, {Generation{2}, true});
  EXPECT_EQ(caller_.outward(), std::nullopt);
}

TEST_F(RekeyerTest, EndsAGenerationAfterTwentyMinutesWhateverHappens) {
  settle();
  cut();
  pass(kStopAfter - milliseconds{1});
  EXPECT_EQ(caller_.outward(), Generation{1});
  pass(milliseconds{1});
  EXPECT_EQ(caller_.outward(), std::nullopt);
  EXPECT_EQ(count<esp::Retire>(caller_commands_), 0U) << "the other end may stop a moment later";
  pass(kLinger);
  EXPECT_EQ(count<esp::Retire>(caller_commands_), 2U);
  EXPECT_EQ(count<esp::Retire>(called_commands_), 3U);
}

TEST_F(RekeyerTest, RetiresAtOnceWhatPassedItsTimeInSleep) {
  settle();
  pass(std::chrono::hours{9});
  EXPECT_THAT(numbers(caller_), ElementsAre(2)) << "the new one is made over the stream, which has survived";
}

TEST_F(RekeyerTest, HasFreshKeysWhenAPathOpensAfterALongTime) {
  connect();
  talk();
  for (int minute = 0; minute < 180; ++minute) pass(std::chrono::minutes{1});
  have_path();
  prove();
  ASSERT_TRUE(caller_.outward());
  EXPECT_LT(now_ - caller_.live().back().made, kRekeyAfter);
}

}  // namespace
}  // namespace isthmus::keying::testing
