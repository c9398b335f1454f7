#include "keying/exchange.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/seeded_random.h"

namespace isthmus::keying {
namespace {

using crypto::Cipher;
using esp::Spi;

KeyOffer offer_of(std::vector<Cipher> ciphers, bool is_aes_slow = false) {
  KeyOffer offer;
  offer.ciphers = std::move(ciphers);
  offer.is_aes_slow = is_aes_slow;
  return offer;
}

const std::vector<Cipher> kAll{Cipher::kAes128Gcm, Cipher::kAes256Gcm, Cipher::kChaCha20Poly1305};

TEST(CipherChoice, IsAesWhereBothHaveItsInstructions) {
  EXPECT_EQ(choose_cipher(offer_of(kAll), {.ciphers = kAll}), Cipher::kAes128Gcm);
}

TEST(CipherChoice, IsChaChaWhereEitherEndLacksThem) {
  EXPECT_EQ(choose_cipher(offer_of(kAll, true), {.ciphers = kAll}), Cipher::kChaCha20Poly1305);
  EXPECT_EQ(choose_cipher(offer_of(kAll), {.ciphers = kAll, .is_aes_slow = true}), Cipher::kChaCha20Poly1305);
}

TEST(CipherChoice, IsAesWithoutInstructionsWhereOneEndTakesNothingElse) {
  EXPECT_EQ(choose_cipher(offer_of(kAll, true), {.ciphers = {Cipher::kAes256Gcm}}), Cipher::kAes256Gcm);
}

TEST(CipherChoice, FollowsTheCallersOrder) {
  EXPECT_EQ(choose_cipher(offer_of({Cipher::kAes256Gcm, Cipher::kAes128Gcm}), {.ciphers = kAll}),
            Cipher::kAes256Gcm);
}

TEST(CipherChoice, IsNoneWhereNothingIsInCommon) {
  EXPECT_EQ(choose_cipher(offer_of({Cipher::kAes256Gcm}), {.ciphers = {Cipher::kAes128Gcm}}), std::nullopt);
  EXPECT_EQ(choose_cipher(offer_of({}), {.ciphers = kAll}), std::nullopt);
}

TEST(Spis, LeadToTheWorkersInTurnAndAreNeverTwiceTheSame) {
  SeededRandom random{1};
  std::set<Spi> seen;
  std::vector<Spi> taken;
  for (std::size_t workers = 1; workers <= kMaxWorkers; ++workers) {
    const std::vector<Spi> spis = draw_spis(random, kMaxWorkers, workers, taken);
    ASSERT_EQ(spis.size(), kMaxWorkers);
    for (std::size_t i = 0; i < spis.size(); ++i) {
      EXPECT_EQ(esp::worker_of(spis[i], static_cast<unsigned>(workers)), i % workers);
      EXPECT_TRUE(esp::is_usable(spis[i]));
      EXPECT_TRUE(seen.insert(spis[i]).second);
      taken.push_back(spis[i]);
    }
  }
}

// A source that has nothing but small and repeated numbers at first.
class PoorRandom final : public RandomSource {
 public:
  void fill(MutableBytes out) override {
    std::ranges::fill(out, std::uint8_t{0});
    out.back() = static_cast<std::uint8_t>(count_ / 2);
    if (out.size() == 4) out[2] = static_cast<std::uint8_t>(count_ / 64);
    ++count_;
  }

 private:
  unsigned count_ = 0;
};

TEST(Spis, AreDrawnAgainWhereReservedOrTaken) {
  PoorRandom random;
  const std::vector<Spi> spis = draw_spis(random, 4, 1, {Spi{288}, Spi{289}});
  EXPECT_EQ(std::set<Spi>(spis.begin(), spis.end()).size(), 4U);
  for (const Spi spi : spis) {
    EXPECT_TRUE(esp::is_usable(spi));
    EXPECT_NE(spi, Spi{288});
    EXPECT_NE(spi, Spi{289});
  }
}

TEST(Spis, OfAPeerAreRefusedBelow256) {
  EXPECT_TRUE(are_usable({Spi{256}}, 1, {}));
  EXPECT_FALSE(are_usable({Spi{255}}, 1, {}));
  EXPECT_FALSE(are_usable({Spi{0}}, 1, {}));
}

TEST(Spis, OfAPeerAreRefusedWhereTwiceTheSameOrInUse) {
  EXPECT_TRUE(are_usable({Spi{300}, Spi{301}}, 2, {Spi{302}}));
  EXPECT_FALSE(are_usable({Spi{300}, Spi{300}}, 2, {}));
  EXPECT_FALSE(are_usable({Spi{300}, Spi{301}}, 2, {Spi{301}}));
}

TEST(Spis, OfAPeerAreRefusedWhereNotOneForEachWorker) {
  EXPECT_FALSE(are_usable({Spi{300}}, 2, {}));
  EXPECT_FALSE(are_usable({Spi{300}, Spi{301}}, 1, {}));
}

}  // namespace
}  // namespace isthmus::keying
