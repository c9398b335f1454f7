// The numbers of generations: no peer uses them up.
#include "keying/test_rekeyers.h"

namespace isthmus::keying::testing {
namespace {

constexpr std::uint32_t kLast = 0xffffffff;

class RekeyerNumbersTest : public RekeyerTest {
 protected:
  // The first that the other end says on a new stream, with `highest` in it.
  void connect_with(std::uint32_t highest_of_caller, std::uint32_t highest_of_called) {
    KeyingState of_caller = caller_.state(), of_called = called_.state();
    of_caller.highest = Generation{highest_of_caller};
    of_called.highest = Generation{highest_of_called};
    called_.stream_up(now_, of_caller);
    caller_.stream_up(now_, of_called);
  }
  void expect_keys() {
    pass(kRefusalPause);
    have_path();
    prove();
    EXPECT_TRUE(caller_.outward());
    EXPECT_EQ(caller_.outward(), called_.outward());
  }
  static std::uint32_t highest(const Rekeyer& rekeyer) { return std::to_underlying(rekeyer.state().highest); }
};

TEST_F(RekeyerNumbersTest, RefuseAnOfferThatSkipsAny) {
  connect();
  KeyOffer offer = take_offer();
  for (const std::uint32_t number : {2U, 3U, 1000U, kLast}) {
    offer.generation = Generation{number};
    EXPECT_EQ(refusal_of(offer), KeyRefusal::Reason::kStaleGeneration) << number;
  }
  EXPECT_EQ(highest(called_), 0U);
}

TEST_F(RekeyerNumbersTest, SayInTheErrorWhichNumberWasRefusedAndWhy) {
  connect();
  KeyOffer offer = take_offer();
  offer.generation = Generation{kLast};
  const Result<void> heard = called_.hear(now_, encode(offer));
  ASSERT_FALSE(heard);
  EXPECT_EQ(
      heard.error().message,
      "key exchange: the offer of generation 4294967295 was refused, where 0 was the last: the number is "
      "not the next");
}

TEST_F(RekeyerNumbersTest, GoOnAfterAnOfferOfTheLastNumber) {
  settle();
  KeyOffer offer;
  offer.generation = Generation{kLast};
  offer.ciphers = {Cipher::kAes128Gcm};
  offer.spis = {Spi{300}, Spi{301}, Spi{302}};
  EXPECT_EQ(refusal_of(offer), KeyRefusal::Reason::kStaleGeneration);
  pass(seconds{1});
  ask_for_keys();
  prove();
  EXPECT_EQ(called_.outward(), Generation{2});
}

TEST_F(RekeyerNumbersTest, AreNotUsedUpByOffersThatAreRefused) {
  settle();
  KeyOffer offer;
  offer.generation = Generation{2};
  offer.ciphers = {Cipher::kAes128Gcm};
  offer.spis = {Spi{300}, Spi{300}, Spi{300}};
  now_ += seconds{5};
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(refusal_of(offer), KeyRefusal::Reason::kBadSpi);
  EXPECT_EQ(highest(called_), 1U);
}

TEST_F(RekeyerNumbersTest, AreOfferedAgainAfterARefusal) {
  connect();
  const KeyOffer offer = take_offer();
  (void)caller_.hear(now_, encode(KeyRefusal{offer.generation, KeyRefusal::Reason::kNotNow}));
  now_ += seconds{2};
  EXPECT_EQ(take_offer().generation, offer.generation);
}

TEST_F(RekeyerNumbersTest, AreNotOfferedAgainThatTheCalledEndCallsStale) {
  connect();
  const KeyOffer offer = take_offer();
  (void)caller_.hear(now_, encode(KeyRefusal{offer.generation, KeyRefusal::Reason::kStaleGeneration}));
  now_ += kRefusalPause;
  EXPECT_EQ(take_offer().generation, Generation{2});
}

TEST_F(RekeyerNumbersTest, BeginAgainWhereAPeerThatHoldsNothingTellsTheLast) {
  connect_with(kLast, 0);
  EXPECT_EQ(highest(called_), 0U);
  cut();
  caller_ = Rekeyer{options(Role::kCaller, 2), random_};
  connect();
  expect_keys();
}

TEST_F(RekeyerNumbersTest, BeginAgainWithAPeerWhoseOwnAreUsedUp) {
  connect_with(0, kLast);
  EXPECT_EQ(highest(caller_), 0U);
  expect_keys();
}

TEST_F(RekeyerNumbersTest, OfAPeerThatWasElsewhereAreGoneOnWith) {
  connect_with(0, 70000);
  EXPECT_EQ(highest(caller_), 70000U);
}

TEST_F(RekeyerNumbersTest, DoNotJumpWhileBothHoldAGeneration) {
  settle();
  cut();
  connect_with(kLast, kLast);
  talk();
  EXPECT_EQ(numbers(caller_), numbers(called_));
  EXPECT_LE(highest(caller_), 1 + kMostAhead);
  EXPECT_LE(highest(called_), 1 + kMostAhead);
  pass(seconds{1});
  ask_for_keys();
  prove();
  EXPECT_EQ(caller_.outward(), Generation{2 + kMostAhead});
}

// Each time the caller has heard of the called end, and the called end nothing of the caller.
TEST_F(RekeyerNumbersTest, AgreeAgainAfterStreamsThatBrokeBetweenTwoHellos) {
  settle();
  for (int i = 0; i < 20; ++i) {
    cut();
    caller_.stream_up(now_, called_.state());
    now_ += seconds{1};
    caller_.limit_reached(now_, {Generation{1}, false});
    caller_.advance(now_);
  }
  cut();
  connect();
  now_ += seconds{1};
  talk();
  prove();
  EXPECT_EQ(caller_.outward(), Generation{22});
  EXPECT_EQ(called_.outward(), Generation{22});
}

}  // namespace
}  // namespace isthmus::keying::testing
