// What two Rekeyers come to hold when streams break and processes restart.
#include "keying/test_rekeyers.h"

namespace isthmus::keying::testing {
namespace {

TEST_F(RekeyerTest, AgreesAgainWhenTheOfferWasLost) {
  connect();
  caller_.advance(now_);
  cut();
  connect();
  pass(seconds{1});
  EXPECT_THAT(numbers(caller_), ElementsAre(2));
  EXPECT_THAT(numbers(called_), ElementsAre(2));
}

TEST_F(RekeyerTest, AgreesAgainWhenTheAnswerWasLost) {
  connect();
  EXPECT_TRUE(called_.hear(now_, encode(take_offer())));
  cut();
  EXPECT_THAT(numbers(called_), ElementsAre(1));
  now_ += seconds{1};
  connect();
  talk();
  EXPECT_THAT(numbers(caller_), ElementsAre(2));
  EXPECT_THAT(numbers(called_), ElementsAre(2));
}

TEST_F(RekeyerTest, GoesOnWithWhatBothHoldWhenOnlyTheDoneWasLost) {
  connect();
  talk();
  have_path();
  cut();
  deliver_probes(caller_, called_, caller_commands_);
  collect();
  deliver_probes(called_, caller_, called_commands_);
  (void)caller_.take_messages();
  connect();
  talk();
  EXPECT_THAT(numbers(caller_), ElementsAre(1));
  EXPECT_TRUE(caller_.live().back().is_complete());
  EXPECT_TRUE(called_.live().back().is_complete());
}

TEST_F(RekeyerTest, KeepsWhatIsInUseWhileTheStreamIsLost) {
  settle();
  cut();
  pass(std::chrono::minutes{15});
  EXPECT_EQ(caller_.outward(), Generation{1});
  EXPECT_EQ(called_.outward(), Generation{1});
}

TEST_F(RekeyerTest, StartsAfreshWithACallerThatRestarted) {
  settle();
  caller_ = Rekeyer{options(Role::kCaller, 2), random_};
  connect();
  collect();
  EXPECT_THAT(numbers(called_), IsEmpty());
  EXPECT_EQ(count<esp::Retire>(called_commands_), 3U);
  now_ += seconds{1};
  have_path();
  prove();
  EXPECT_EQ(caller_.outward(), Generation{2}) << "a number that the called end has not seen";
  EXPECT_EQ(called_.outward(), Generation{2});
}

TEST_F(RekeyerTest, StartsAfreshWithACalledEndThatRestarted) {
  settle();
  called_ = Rekeyer{options(Role::kCalled, 3), random_};
  connect();
  collect();
  EXPECT_EQ(count<esp::Retire>(caller_commands_), 2U);
  now_ += seconds{1};
  have_path();
  prove();
  EXPECT_EQ(caller_.outward(), Generation{2});
  EXPECT_EQ(called_.outward(), Generation{2});
}

TEST_F(RekeyerTest, EndsEverythingOnRequest) {
  settle();
  caller_.retire_all();
  collect();
  EXPECT_THAT(numbers(caller_), IsEmpty());
  EXPECT_EQ(count<esp::Retire>(caller_commands_), 2U);
}

}  // namespace
}  // namespace isthmus::keying::testing
