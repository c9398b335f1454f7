// An exchange of a Rekeyer, from the offer to the end of what was before.
#include <map>
#include <set>

#include "keying/test_rekeyers.h"

namespace isthmus::keying::testing {
namespace {

// --- The exchange

TEST_F(RekeyerTest, BeginsByItselfAsTheCaller) {
  connect();
  EXPECT_EQ(caller_.next_deadline(), Instant{});
  EXPECT_EQ(called_.next_deadline(), std::nullopt);
  talk();
  EXPECT_THAT(numbers(caller_), ElementsAre(1));
  EXPECT_THAT(numbers(called_), ElementsAre(1));
}

TEST_F(RekeyerTest, InstallsAtBothEndsTheSameKeysUnderTheSameSpis) {
  connect();
  talk();
  for (auto [from, to] :
       {std::pair{&caller_commands_, &called_commands_}, std::pair{&called_commands_, &caller_commands_}}) {
    std::map<Spi, Bytes> inbound;
    for (auto& [worker, install] : of_kind<esp::InstallInbound>(*to)) {
      const ConstBytes key = install.sa.key.reveal();
      inbound[install.sa.spi] = Bytes(key.begin(), key.end());
    }
    const auto outbound = of_kind<esp::InstallOutbound>(*from);
    ASSERT_EQ(outbound.size(), inbound.size());
    for (const auto& [worker, install] : outbound) {
      const ConstBytes key = install.sa.key.reveal();
      EXPECT_EQ(inbound[install.sa.spi], Bytes(key.begin(), key.end()));
    }
  }
}

TEST_F(RekeyerTest, GivesEverySaAKeyOfItsOwn) {
  connect();
  talk();
  std::set<Bytes> keys;
  for (auto* commands : {&caller_commands_, &called_commands_}) {
    for (const auto& [worker, install] : of_kind<esp::InstallOutbound>(*commands)) {
      const ConstBytes key = install.sa.key.reveal();
      keys.emplace(key.begin(), key.end());
    }
  }
  EXPECT_EQ(keys.size(), 5U);
}

TEST_F(RekeyerTest, GivesEachInboundSaToTheWorkerThatItsSpiLeadsTo) {
  connect();
  talk();
  for (const auto& [worker, install] : of_kind<esp::InstallInbound>(caller_commands_))
    EXPECT_EQ(worker, esp::worker_of(install.sa.spi, 2));
  for (const auto& [worker, install] : of_kind<esp::InstallInbound>(called_commands_))
    EXPECT_EQ(worker, esp::worker_of(install.sa.spi, 3));
}

TEST_F(RekeyerTest, InstallsAtTheCalledEndBeforeItAnswers) {
  connect();
  EXPECT_TRUE(called_.hear(now_, encode(take_offer())));
  EXPECT_EQ(count<esp::InstallInbound>(called_.take_commands()), 2U);
  EXPECT_EQ(called_.take_messages().size(), 1U);
}

// --- Proof

TEST_F(RekeyerTest, SendsNoProbeBeforeThereIsAPath) {
  connect();
  talk();
  pass(seconds{5});
  EXPECT_EQ(count<esp::SendProbe>(caller_commands_), 0U);
  EXPECT_EQ(count<esp::SendProbe>(called_commands_), 0U);
}

TEST_F(RekeyerTest, TakesNothingIntoUseBeforeItsProbeCameBack) {
  connect();
  talk();
  have_path();
  EXPECT_EQ(count<esp::SendProbe>(caller_commands_), 2U);
  EXPECT_EQ(count<esp::UseOutbound>(caller_commands_), 0U);
  EXPECT_EQ(caller_.outward(), std::nullopt);
}

TEST_F(RekeyerTest, TakesEachWorkerOverWhenItsOwnProbeCameBack) {
  connect();
  talk();
  have_path();
  auto probes = of_kind<esp::SendProbe>(caller_commands_);
  caller_commands_.clear();
  EXPECT_TRUE(caller_.echo_arrived(now_, {Generation{1}, probes[1].second.token, 0, {}}));
  collect();
  const auto uses = of_kind<esp::UseOutbound>(caller_commands_);
  ASSERT_EQ(uses.size(), 1U);
  EXPECT_EQ(uses[0].first, probes[1].first);
  EXPECT_EQ(caller_.outward(), std::nullopt) << "the other worker has no proof yet";
}

TEST_F(RekeyerTest, TakesAnEchoWithAnotherTokenForNoProof) {
  connect();
  talk();
  have_path();
  EXPECT_FALSE(caller_.echo_arrived(now_, {Generation{1}, 12345, 0, {}}));
  EXPECT_FALSE(caller_.echo_arrived(now_, {Generation{2}, 12345, 0, {}}));
  collect();
  EXPECT_EQ(count<esp::UseOutbound>(caller_commands_), 0U);
}

TEST_F(RekeyerTest, ProbesAgainEveryHalfSecondWhatIsNotProven) {
  connect();
  talk();
  have_path();
  caller_commands_.clear();
  pass(milliseconds{499});
  EXPECT_EQ(count<esp::SendProbe>(caller_commands_), 0U);
  pass(milliseconds{1});
  EXPECT_EQ(count<esp::SendProbe>(caller_commands_), 2U);
}

TEST_F(RekeyerTest, WaitsAtTheCalledEndForTheCallersProbe) {
  caller_.path_known(now_, true);
  called_.path_known(now_, true);
  connect();
  talk();
  EXPECT_EQ(count<esp::SendProbe>(called_commands_), 0U);
  called_.probe_arrived(now_, {Generation{1}, {}, 0});
  collect();
  EXPECT_EQ(count<esp::SendProbe>(called_commands_), 3U);
}

TEST_F(RekeyerTest, ProbesAtTheCalledEndAfterAQuarterOfASecondAtTheLatest) {
  caller_.path_known(now_, true);
  called_.path_known(now_, true);
  connect();
  talk();
  pass(kProofDelay);
  EXPECT_EQ(count<esp::SendProbe>(called_commands_), 3U);
}

TEST_F(RekeyerTest, TakesADirectionOverThoughTheOtherIsNotProven) {
  settle();
  pass(seconds{1});
  ask_for_keys();
  deliver_probes(caller_, called_, caller_commands_);
  talk();
  EXPECT_EQ(caller_.outward(), Generation{2});
  EXPECT_EQ(called_.outward(), Generation{1});
  pass(seconds{60});
  EXPECT_THAT(numbers(caller_), ElementsAre(1, 2)) << "the called end still sends by the first";
}

// --- The end of the old

TEST_F(RekeyerTest, KeepsTheOldInboundSasTenSecondsAfterBothDirectionsMoved) {
  settle();
  pass(seconds{1});
  ask_for_keys();
  prove();
  EXPECT_EQ(count<esp::RetireOutbound>(caller_commands_), 2U);
  EXPECT_EQ(count<esp::Retire>(caller_commands_), 0U);
  pass(kLinger - milliseconds{1});
  EXPECT_THAT(numbers(caller_), ElementsAre(1, 2));
  EXPECT_THAT(numbers(called_), ElementsAre(1, 2));
  pass(milliseconds{1});
  EXPECT_THAT(numbers(caller_), ElementsAre(2));
  EXPECT_THAT(numbers(called_), ElementsAre(2));
  EXPECT_EQ(count<esp::Retire>(caller_commands_), 2U);
  EXPECT_EQ(count<esp::Retire>(called_commands_), 3U);
}

TEST_F(RekeyerTest, RetiresTheOldestWhereTheNextExchangeComesBeforeTheTenSecondsAreOver) {
  settle();
  for (std::uint32_t next = 2; next < 20; ++next) {
    pass(seconds{1});
    ask_for_keys();
    EXPECT_LE(caller_.live().size(), kMaxLive);
    EXPECT_LE(called_.live().size(), kMaxLive);
    prove();
    EXPECT_EQ(caller_.outward(), Generation{next});
    EXPECT_EQ(called_.outward(), Generation{next});
  }
}

TEST_F(RekeyerTest, IgnoresALateEchoOfTheOldGeneration) {
  settle();
  const std::uint64_t old = caller_.live().back().tokens[0];
  pass(seconds{1});
  ask_for_keys();
  prove();
  caller_commands_.clear();
  EXPECT_TRUE(caller_.echo_arrived(now_, {Generation{1}, old, 0, {}}));
  collect();
  EXPECT_THAT(caller_commands_, IsEmpty());
  EXPECT_EQ(caller_.outward(), Generation{2});
}

}  // namespace
}  // namespace isthmus::keying::testing
