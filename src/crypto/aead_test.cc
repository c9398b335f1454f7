#include "crypto/aead.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/seeded_random.h"
#include "crypto/known_answer.h"

namespace isthmus::crypto {
namespace {

struct Variant {
  Cipher cipher;
  Backend backend;
};

std::string name_of(const testing::TestParamInfo<Variant>& info) {
  static constexpr std::array kCiphers{"none", "Aes128Gcm", "Aes256Gcm", "ChaCha20Poly1305"};
  static constexpr std::array kBackends{"Best", "OpenSsl", "IpsecMb"};
  return std::string{kCiphers[static_cast<std::size_t>(info.param.cipher)]} + "On" +
         kBackends[static_cast<std::size_t>(info.param.backend)];
}

std::vector<Variant> variants() {
  std::vector<Variant> all;
  for (const Cipher cipher : {Cipher::kAes128Gcm, Cipher::kAes256Gcm, Cipher::kChaCha20Poly1305})
    for (const Backend backend : {Backend::kOpenSsl, Backend::kIpsecMb})
      if (make_aead(cipher, Bytes(key_size(cipher)), backend)) all.push_back({cipher, backend});
  return all;
}

bool is_zero(ConstBytes octets) {
  return std::ranges::all_of(octets, [](std::uint8_t octet) { return octet == 0; });
}

class AeadOf : public testing::TestWithParam<Variant> {
 protected:
  Bytes random_octets(std::size_t size) {
    Bytes octets(size);
    random_.fill(octets);
    return octets;
  }

  Bytes seal(ConstBytes text, ConstBytes tail) {
    Bytes room(text.begin(), text.end());
    room.resize(text.size() + tail.size(), 0xa5);
    Bytes out(room.size() + kIcvSize);
    aead_->seal(kNonce, kAad, room, tail, out);
    return out;
  }

  static constexpr Nonce kNonce{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const Bytes kAad{0x11, 0x22, 0x33, 0x44, 0, 0, 0, 1};
  SeededRandom random_{4303};
  std::unique_ptr<Aead> aead_ =
      *make_aead(GetParam().cipher, random_octets(key_size(GetParam().cipher)), GetParam().backend);
};
INSTANTIATE_TEST_SUITE_P(Variants, AeadOf, testing::ValuesIn(variants()), name_of);

TEST_P(AeadOf, OpensWhatItSealed) {
  const Bytes text = random_octets(1400);
  const Bytes tail{1, 2, 2, 4};
  const Bytes sealed = seal(text, tail);
  Bytes opened(text.size() + tail.size());
  ASSERT_TRUE(aead_->open(kNonce, kAad, sealed, opened));
  Bytes whole = text;
  whole.insert(whole.end(), tail.begin(), tail.end());
  EXPECT_EQ(opened, whole);
}

TEST_P(AeadOf, SealsTextAndTailAsOnePieceWouldBe) {
  const Bytes text = random_octets(100);
  for (std::size_t split = 0; split <= text.size(); ++split)
    ASSERT_EQ(seal(ConstBytes{text}.first(split), ConstBytes{text}.subspan(split)), seal(text, {})) << split;
}

TEST_P(AeadOf, SealsInPlace) {
  const Bytes text = random_octets(777);
  const Bytes tail{1, 2, 2, 4};
  Bytes buffer = text;
  buffer.resize(text.size() + tail.size() + kIcvSize);
  aead_->seal(kNonce, kAad, MutableBytes{buffer}.first(text.size() + tail.size()), tail, buffer);
  EXPECT_EQ(buffer, seal(text, tail));
}

TEST_P(AeadOf, SealsATailThatLiesInItsPlace) {
  Bytes whole = random_octets(777);
  const Bytes expected = seal(whole, {});
  Bytes out(whole.size() + kIcvSize);
  aead_->seal(kNonce, kAad, whole, ConstBytes{whole}.last(77), out);
  EXPECT_EQ(out, expected);
}

TEST_P(AeadOf, SealsInPlaceATailThatLiesInItsPlace) {
  Bytes buffer = random_octets(777 + kIcvSize);
  const MutableBytes whole = MutableBytes{buffer}.first(777);
  const Bytes expected = seal(whole, {});
  aead_->seal(kNonce, kAad, whole, whole.last(77), buffer);
  EXPECT_EQ(buffer, expected);
}

TEST_P(AeadOf, GivesBackTheRoomItWasLent) {
  for (const std::size_t tail_size : {std::size_t{0}, std::size_t{2}, std::size_t{17}, kMaxTailSize}) {
    Bytes room = random_octets(777);
    const Bytes before = room;
    Bytes out(room.size() + kIcvSize);
    aead_->seal(kNonce, kAad, room, random_octets(tail_size), out);
    EXPECT_EQ(room, before) << tail_size;
  }
}

TEST_P(AeadOf, OpensInPlace) {
  const Bytes text = random_octets(777);
  Bytes buffer = seal(text, {});
  const MutableBytes out = MutableBytes{buffer}.first(text.size());
  ASSERT_TRUE(aead_->open(kNonce, kAad, buffer, out));
  EXPECT_TRUE(std::ranges::equal(out, text));
}

TEST_P(AeadOf, LeavesWhatItOpensAsItWas) {
  const Bytes sealed = seal(random_octets(777), {});
  const Bytes before = sealed;
  Bytes opened(777);
  ASSERT_TRUE(aead_->open(kNonce, kAad, sealed, opened));
  EXPECT_EQ(sealed, before);
}

TEST_P(AeadOf, WritesNothingBehindItsOutput) {
  for (std::size_t size = 0; size < 200; ++size) {
    Bytes text = random_octets(size);
    Bytes room(size + kIcvSize + 64, 0xa5);
    const MutableBytes sealed = MutableBytes{room}.first(size + kIcvSize);
    aead_->seal(kNonce, kAad, text, {}, sealed);
    Bytes opened(size + 64, 0xa5);
    ASSERT_TRUE(aead_->open(kNonce, kAad, sealed, MutableBytes{opened}.first(size)));
    const auto is_untouched = [](std::uint8_t octet) { return octet == 0xa5; };
    ASSERT_TRUE(std::all_of(room.end() - 64, room.end(), is_untouched)) << size;
    ASSERT_TRUE(std::all_of(opened.end() - 64, opened.end(), is_untouched)) << size;
  }
}

TEST_P(AeadOf, RefusesEveryFlippedBitAndLeavesZero) {
  const Bytes sealed = seal(random_octets(33), {});
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    Bytes forged = sealed;
    forged[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    Bytes out(33, 0xa5);
    ASSERT_FALSE(aead_->open(kNonce, kAad, forged, out)) << "bit " << bit;
    ASSERT_TRUE(is_zero(out)) << "bit " << bit;
  }
}

TEST_P(AeadOf, LeavesZeroInPlaceWhenRefused) {
  Bytes forged = seal(random_octets(1000), {});
  forged[500] ^= 1;
  const MutableBytes out = MutableBytes{forged}.first(1000);
  ASSERT_FALSE(aead_->open(kNonce, kAad, forged, out));
  EXPECT_TRUE(is_zero(out));
}

TEST_P(AeadOf, RefusesOtherAssociatedData) {
  const Bytes sealed = seal(random_octets(33), {});
  Bytes out(33);
  for (std::size_t i = 0; i < kAad.size(); ++i) {
    Bytes aad = kAad;
    aad[i] ^= 0x80;
    EXPECT_FALSE(aead_->open(kNonce, aad, sealed, out)) << i;
  }
  EXPECT_FALSE(aead_->open(kNonce, {}, sealed, out));
}

TEST_P(AeadOf, RefusesAnotherNonce) {
  const Bytes sealed = seal(random_octets(33), {});
  Bytes out(33);
  for (std::size_t i = 0; i < kNonceSize; ++i) {
    Nonce nonce = kNonce;
    nonce[i] ^= 1;
    EXPECT_FALSE(aead_->open(nonce, kAad, sealed, out)) << i;
  }
}

TEST_P(AeadOf, RefusesWhatIsShorterThanAnIcv) {
  const Bytes sealed = seal({}, {});
  for (std::size_t size = 0; size < kIcvSize; ++size)
    EXPECT_FALSE(aead_->open(kNonce, kAad, ConstBytes{sealed}.first(size), {})) << size;
}

TEST_P(AeadOf, SealsNothingIntoAnIcvThatCoversTheAssociatedData) {
  const Bytes sealed = seal({}, {});
  EXPECT_TRUE(aead_->open(kNonce, kAad, sealed, {}));
  EXPECT_FALSE(aead_->open(kNonce, {}, sealed, {}));
}

// A refusal must leave no trace in the state that is kept from packet to packet.
TEST_P(AeadOf, SealsAndOpensInTurnAlsoAfterARefusal) {
  const Bytes text = random_octets(100);
  const Bytes first = seal(text, {});
  Bytes forged = first;
  forged.back() ^= 1;
  Bytes out(text.size());
  EXPECT_FALSE(aead_->open(kNonce, kAad, forged, out));
  EXPECT_EQ(seal(text, {}), first);
  EXPECT_TRUE(aead_->open(kNonce, kAad, first, out));
  EXPECT_EQ(out, text);
}

TEST(MakeAead, RefusesAKeyOfTheWrongLength) {
  for (const Cipher cipher : {Cipher::kAes128Gcm, Cipher::kAes256Gcm, Cipher::kChaCha20Poly1305})
    for (const std::size_t size : {std::size_t{0}, key_size(cipher) - 1, key_size(cipher) + 1})
      EXPECT_EQ(make_aead(cipher, Bytes(size)).error().code, Error::Code::kInvalid) << size;
}

TEST(MakeAead, HasABestForEachCipher) {
  for (const Cipher cipher : {Cipher::kAes128Gcm, Cipher::kAes256Gcm, Cipher::kChaCha20Poly1305})
    EXPECT_TRUE(make_aead(cipher, Bytes(key_size(cipher))));
}

// Both libraries, or the tests of one alone would say nothing: those of this machine's build are counted.
TEST(MakeAead, TakesTheBackEndOfThisProcessorAsTheBest) {
#if defined(__x86_64__)
  const bool is_expected = has_aes_instructions();
#else
  const bool is_expected = false;
#endif
  EXPECT_EQ(variants().size(), is_expected ? 6U : 3U) << "is libipsec-mb-dev installed?";
}

TEST(SelfTest, FindsNothingWrong) {
  const Result<void> result = self_test();
  EXPECT_TRUE(result) << result.error().message;
}

// Agrees with the known answer in all but one thing.
class Lying final : public Aead {
 public:
  enum class Lie : std::uint8_t { kSealsOtherwise, kOpensNothing, kOpensOtherwise, kOpensAll };
  Lying(Lie lie, const KnownAnswer& answer)
      : lie_(lie), genuine_(*make_aead(answer.cipher, octets_of_hex(answer.key))) {}

 private:
  void encrypt(const Nonce& nonce, ConstBytes aad, ConstBytes text, MutableBytes out) override {
    Bytes room(text.begin(), text.end());
    genuine_->seal(nonce, aad, room, {}, out);
    if (lie_ == Lie::kSealsOtherwise) out[0] ^= 1;
  }
  bool decrypt(const Nonce& nonce, ConstBytes aad, ConstBytes sealed, MutableBytes out) override {
    const bool is_genuine = genuine_->open(nonce, aad, sealed, out);
    if (lie_ == Lie::kOpensOtherwise) out[0] ^= 1;
    return lie_ == Lie::kOpensAll || (is_genuine && lie_ != Lie::kOpensNothing);
  }

  Lie lie_;
  std::unique_ptr<Aead> genuine_;
};

TEST(SelfTest, FindsEachThingThatCanBeWrong) {
  using enum Lying::Lie;
  for (const KnownAnswer& answer : known_answers())
    for (const Lying::Lie lie : {kSealsOtherwise, kOpensNothing, kOpensOtherwise, kOpensAll}) {
      Lying lying{lie, answer};
      const Result<void> result = check_known_answer(lying, answer);
      ASSERT_FALSE(result) << answer.name << ", lie " << static_cast<int>(lie);
      EXPECT_EQ(result.error().code, Error::Code::kUnsupported);
    }
}

TEST(SelfTest, FindsThatTwoDoNotAgree) {
  const KnownAnswer& answer = known_answers().front();
  Lying lying{Lying::Lie::kSealsOtherwise, answer};
  const std::unique_ptr<Aead> genuine = *make_aead(answer.cipher, octets_of_hex(answer.key));
  EXPECT_FALSE(check_agreement(lying, *genuine, answer.name));
  EXPECT_FALSE(check_agreement(*genuine, lying, answer.name));
}

}  // namespace
}  // namespace isthmus::crypto
