#include "keying/rekeyer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/seeded_random.h"

namespace isthmus::keying {
namespace {

using crypto::Cipher;
using esp::Generation;
using esp::Spi;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

template <typename T>
std::vector<std::pair<std::size_t, T>> of_kind(std::vector<WorkerCommand>& commands) {
  std::vector<std::pair<std::size_t, T>> found;
  for (WorkerCommand& command : commands) {
    if (auto* one = std::get_if<T>(&command.command)) found.emplace_back(command.worker, std::move(*one));
  }
  return found;
}

template <typename T>
std::size_t count(const std::vector<WorkerCommand>& commands) {
  return static_cast<std::size_t>(std::ranges::count_if(
      commands, [](const WorkerCommand& command) { return std::holds_alternative<T>(command.command); }));
}

RekeyerOptions options(Role role, std::size_t workers = 1) {
  RekeyerOptions options;
  options.role = role;
  options.workers = workers;
  options.wishes.ciphers = {Cipher::kAes128Gcm, Cipher::kAes256Gcm, Cipher::kChaCha20Poly1305};
  return options;
}

// Two rekeyers, the stream between them, and what their workers were told; the probes of each arrive when a
// test lets them.
class RekeyerTest : public ::testing::Test {
 protected:
  SeededRandom random_{20};
  Instant now_{seconds{1000}};
  Rekeyer caller_{options(Role::kCaller, 2), random_};
  Rekeyer called_{options(Role::kCalled, 3), random_};
  std::vector<WorkerCommand> caller_commands_, called_commands_;

  void connect() {
    const KeyingState of_caller = caller_.state(), of_called = called_.state();
    called_.stream_up(now_, of_caller);
    caller_.stream_up(now_, of_called);
  }
  void cut() {
    caller_.stream_down();
    called_.stream_down();
    (void)caller_.take_messages();
    (void)called_.take_messages();
  }
  // Whatever either end has said arrives, and what that makes the other say.
  void talk() {
    for (int turn = 0; turn < 10; ++turn) {
      caller_.advance(now_);
      called_.advance(now_);
      for (const Bytes& message : caller_.take_messages()) (void)called_.hear(now_, message);
      for (const Bytes& message : called_.take_messages()) (void)caller_.hear(now_, message);
    }
    collect();
  }
  void collect() {
    for (WorkerCommand& command : caller_.take_commands()) caller_commands_.push_back(std::move(command));
    for (WorkerCommand& command : called_.take_commands()) called_commands_.push_back(std::move(command));
  }
  void pass(Duration time) {
    now_ += time;
    talk();
  }
  // The probes that `from` was told to send arrive, and their echoes too.
  void deliver_probes(Rekeyer& from, Rekeyer& to, std::vector<WorkerCommand>& commands) {
    for (const auto& [worker, probe] : of_kind<esp::SendProbe>(commands)) {
      to.probe_arrived(now_, {probe.generation, {}, 0});
      EXPECT_TRUE(from.echo_arrived(now_, {probe.generation, probe.token, 0, {}}));
    }
    std::erase_if(commands, [](const WorkerCommand& command) {
      return std::holds_alternative<esp::SendProbe>(command.command);
    });
  }
  void prove() {
    deliver_probes(caller_, called_, caller_commands_);
    talk();
    deliver_probes(called_, caller_, called_commands_);
    talk();
  }
  void have_path() {
    caller_.path_known(now_, true);
    called_.path_known(now_, true);
    talk();
  }
  // A first generation in use in both directions.
  void settle() {
    connect();
    talk();
    have_path();
    prove();
    ASSERT_EQ(caller_.outward(), Generation{1});
    ASSERT_EQ(called_.outward(), Generation{1});
    caller_commands_.clear();
    called_commands_.clear();
  }
  void ask_for_keys() {
    caller_.limit_reached(now_, {caller_.live().back().number(), false});
    talk();
  }
  static std::vector<std::uint32_t> numbers(const Rekeyer& rekeyer) {
    std::vector<std::uint32_t> numbers;
    for (const LiveGeneration& one : rekeyer.live()) numbers.push_back(std::to_underlying(one.number()));
    return numbers;
  }
  // The offer that the caller makes when it may, as it crosses the stream.
  KeyOffer take_offer() {
    caller_.advance(now_);
    const std::vector<Bytes> messages = caller_.take_messages();
    EXPECT_EQ(messages.size(), 1U);
    return std::get<KeyOffer>(decode_key_message(messages.at(0)).value());
  }
  KeyRefusal::Reason refusal_of(const KeyOffer& offer) {
    EXPECT_FALSE(called_.hear(now_, encode(offer)));
    const std::vector<Bytes> messages = called_.take_messages();
    EXPECT_EQ(messages.size(), 1U);
    return std::get<KeyRefusal>(decode_key_message(messages.at(0)).value()).reason;
  }
};

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
  EXPECT_EQ(count<esp::Retire>(called_commands_), 2U) << "the third worker's outbound SA has gone before";
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

// --- Limits and pauses

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

// --- Streams that come and go

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

// --- What is refused

TEST_F(RekeyerTest, RefusesAGenerationThatWasThereBefore) {
  connect();
  const KeyOffer offer = take_offer();
  EXPECT_TRUE(called_.hear(now_, encode(offer)));
  (void)called_.take_messages();
  now_ += seconds{5};
  EXPECT_EQ(refusal_of(offer), KeyRefusal::Reason::kStaleGeneration);
}

TEST_F(RekeyerTest, RefusesAGenerationBelowTheHighest) {
  connect();
  KeyOffer offer = take_offer();
  offer.generation = Generation{0};
  EXPECT_EQ(refusal_of(offer), KeyRefusal::Reason::kStaleGeneration);
}

TEST_F(RekeyerTest, RefusesReservedSpis) {
  connect();
  KeyOffer offer = take_offer();
  offer.spis[1] = Spi{255};
  EXPECT_EQ(refusal_of(offer), KeyRefusal::Reason::kBadSpi);
}

TEST_F(RekeyerTest, RefusesASpiTwice) {
  connect();
  KeyOffer offer = take_offer();
  offer.spis[1] = offer.spis[0];
  EXPECT_EQ(refusal_of(offer), KeyRefusal::Reason::kBadSpi);
}

TEST_F(RekeyerTest, RefusesASpiOfALiveGeneration) {
  settle();
  now_ += seconds{1};
  caller_.limit_reached(now_, {Generation{1}, false});
  KeyOffer offer = take_offer();
  offer.spis[2] = called_.live().back().sas.outbound[0];
  EXPECT_EQ(refusal_of(offer), KeyRefusal::Reason::kBadSpi);
}

TEST_F(RekeyerTest, RefusesTooFewSpis) {
  connect();
  KeyOffer offer = take_offer();
  offer.spis.pop_back();
  EXPECT_EQ(refusal_of(offer), KeyRefusal::Reason::kBadSpi);
}

TEST_F(RekeyerTest, RefusesAPublicKeyThatYieldsOnlyZeros) {
  connect();
  KeyOffer offer = take_offer();
  offer.public_key.fill(0);
  EXPECT_EQ(refusal_of(offer), KeyRefusal::Reason::kBadPublicKey);
}

TEST_F(RekeyerTest, RefusesOffersWithoutACommonCipher) {
  connect();
  KeyOffer offer = take_offer();
  offer.ciphers.clear();
  offer.ciphers.push_back(Cipher{77});
  EXPECT_EQ(refusal_of(offer), KeyRefusal::Reason::kNoCommonCipher);
}

TEST_F(RekeyerTest, RefusesASecondOfferWithinASecond) {
  connect();
  KeyOffer offer = take_offer();
  EXPECT_TRUE(called_.hear(now_, encode(offer)));
  (void)called_.take_messages();
  offer.generation = Generation{2};
  EXPECT_EQ(refusal_of(offer), KeyRefusal::Reason::kNotNow);
}

TEST_F(RekeyerTest, RefusesAThirdGenerationBesideTwoThatAreNotDone) {
  settle();
  pass(seconds{1});
  ask_for_keys();
  called_.probe_arrived(now_, {Generation{2}, {}, 0});
  now_ += seconds{5};
  KeyOffer offer;
  offer.generation = Generation{3};
  offer.ciphers = {Cipher::kAes128Gcm};
  offer.spis = {Spi{300}, Spi{301}, Spi{302}};
  EXPECT_EQ(refusal_of(offer), KeyRefusal::Reason::kNotNow);
}

TEST_F(RekeyerTest, ReplacesAGenerationThatTheCallerNeverUsed) {
  settle();
  pass(seconds{1});
  caller_.limit_reached(now_, {Generation{1}, false});
  EXPECT_TRUE(called_.hear(now_, encode(take_offer())));
  now_ += seconds{5};
  KeyOffer offer;
  offer.generation = Generation{3};
  offer.public_key = crypto::KeyPair::generate(random_).public_key();
  offer.ciphers = {Cipher::kAes128Gcm};
  offer.spis = {Spi{300}, Spi{301}, Spi{302}};
  EXPECT_TRUE(called_.hear(now_, encode(offer)));
  EXPECT_THAT(numbers(called_), ElementsAre(1, 3));
}

TEST_F(RekeyerTest, MakesNoMoreOffersOnAStreamWithoutACommonCipher) {
  RekeyerOptions strict = options(Role::kCalled, 3);
  strict.wishes.ciphers = {Cipher::kAes256Gcm};
  called_ = Rekeyer{strict, random_};
  RekeyerOptions other = options(Role::kCaller, 2);
  other.wishes.ciphers = {Cipher::kAes128Gcm};
  caller_ = Rekeyer{other, random_};
  connect();
  talk();
  EXPECT_EQ(caller_.refusal(), KeyRefusal::Reason::kNoCommonCipher);
  EXPECT_EQ(caller_.next_deadline(), std::nullopt);
}

TEST_F(RekeyerTest, TriesAgainAfterAnotherRefusal) {
  connect();
  const KeyOffer offer = take_offer();
  (void)caller_.hear(now_, encode(KeyRefusal{offer.generation, KeyRefusal::Reason::kBadSpi}));
  EXPECT_EQ(caller_.next_deadline(), now_ + kRefusalPause);
}

class AnswerTest : public RekeyerTest {
 protected:
  KeyAnswer answer_;

  void SetUp() override {
    connect();
    EXPECT_TRUE(called_.hear(now_, encode(take_offer())));
    answer_ = std::get<KeyAnswer>(decode_key_message(called_.take_messages().at(0)).value());
  }
  void expect_refused() {
    EXPECT_FALSE(caller_.hear(now_, encode(answer_)));
    EXPECT_THAT(numbers(caller_), IsEmpty());
    EXPECT_THAT(caller_.take_commands(), IsEmpty());
  }
};

TEST_F(AnswerTest, IsTakenAsItIs) {
  EXPECT_TRUE(caller_.hear(now_, encode(answer_)));
  EXPECT_THAT(numbers(caller_), ElementsAre(1));
}

TEST_F(AnswerTest, WithACipherThatWasNotOfferedIsRefused) {
  RekeyerOptions narrow = options(Role::kCaller, 2);
  narrow.wishes.ciphers = {Cipher::kAes128Gcm};
  caller_ = Rekeyer{narrow, random_};
  called_ = Rekeyer{options(Role::kCalled, 3), random_};
  SetUp();
  answer_.cipher = Cipher::kAes256Gcm;
  expect_refused();
}

TEST_F(AnswerTest, WithSequenceNumbersThatWereNotOfferedIsRefused) {
  answer_.is_esn = true;
  expect_refused();
}

TEST_F(AnswerTest, WithAReservedSpiIsRefused) {
  answer_.spis[0] = Spi{1};
  expect_refused();
}

TEST_F(AnswerTest, WithASpiTwiceIsRefused) {
  answer_.spis[0] = answer_.spis[1];
  expect_refused();
}

TEST_F(AnswerTest, WithAPublicKeyThatYieldsOnlyZerosIsRefused) {
  answer_.public_key.fill(0);
  expect_refused();
}

TEST_F(AnswerTest, ToAnotherGenerationIsRefused) {
  answer_.generation = Generation{2};
  expect_refused();
}

TEST_F(AnswerTest, TwiceIsTakenOnce) {
  EXPECT_TRUE(caller_.hear(now_, encode(answer_)));
  EXPECT_FALSE(caller_.hear(now_, encode(answer_)));
  EXPECT_THAT(numbers(caller_), ElementsAre(1));
}

TEST_F(AnswerTest, ThatIsBadIsFollowedByAnotherOfferAfterAWhile) {
  KeyAnswer bad = answer_;
  bad.public_key.fill(0);
  EXPECT_FALSE(caller_.hear(now_, encode(bad)));
  pass(kRefusalPause);
  EXPECT_THAT(numbers(caller_), ElementsAre(2));
  EXPECT_EQ(called_.live().back().number(), Generation{2});
}

TEST_F(AnswerTest, ToTheEndThatGivesThemIsRefused) {
  EXPECT_FALSE(called_.hear(now_, encode(answer_)));
  EXPECT_FALSE(called_.hear(now_, Bytes{1, 12, 0, 4}));
}

}  // namespace
}  // namespace isthmus::keying
