// What a Rekeyer refuses of offers and answers.
#include "keying/test_rekeyers.h"

namespace isthmus::keying::testing {
namespace {

// --- Offers

TEST_F(RekeyerTest, RefusesAGenerationThatWasThereBefore) {
  connect();
  const KeyOffer offer = take_offer();
  EXPECT_TRUE(called_.hear(now_, encode(offer)));
  (void)called_.take_messages();
  now_ += seconds{5};
  EXPECT_EQ(refusal_of(offer), KeyRefusal::Reason::kStaleGeneration);
}

TEST_F(RekeyerTest, RefusesGenerationZero) {
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

TEST_F(RekeyerTest, TakesNoOfferAtTheEndThatMakesThem) {
  connect();
  KeyOffer offer = take_offer();
  offer.generation = Generation{2};
  offer.spis.resize(2);
  EXPECT_FALSE(caller_.hear(now_ + kLeastPause, encode(offer)));
  EXPECT_THAT(numbers(caller_), IsEmpty());
  EXPECT_THAT(caller_.take_messages(), IsEmpty());
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

// --- Answers

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
}  // namespace isthmus::keying::testing
