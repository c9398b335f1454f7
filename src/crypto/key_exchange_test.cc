#include "crypto/key_exchange.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/seeded_random.h"
#include "crypto/known_answer.h"

namespace isthmus::crypto {
namespace {

KeyPair pair_of(std::string_view hex) {
  Secret<kX25519Size> secret;
  std::ranges::copy(octets_of_hex(hex), secret.writable().begin());
  return KeyPair{std::move(secret)};
}

Bytes copy_of(ConstBytes octets) {
  return {octets.begin(), octets.end()};
}

// RFC 7748 section 6.1.
constexpr std::string_view kAlice = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
constexpr std::string_view kBob = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
constexpr std::string_view kShared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";

TEST(KeyPair, HasThePublicKeyOfTheRfcsAlice) {
  EXPECT_EQ(copy_of(pair_of(kAlice).public_key()),
            octets_of_hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"));
}

TEST(KeyPair, SharesTheSecretOfTheRfcsAliceAndBob) {
  const KeyPair alice = pair_of(kAlice);
  const KeyPair bob = pair_of(kBob);
  EXPECT_EQ(copy_of(alice.shared_secret(bob.public_key())->reveal()), octets_of_hex(kShared));
  EXPECT_EQ(copy_of(bob.shared_secret(alice.public_key())->reveal()), octets_of_hex(kShared));
}

TEST(KeyPair, IsMadeOf32OctetsOfTheSource) {
  SeededRandom random{7748};
  SeededRandom same{7748};
  Secret<kX25519Size> octets;
  same.fill(octets.writable());
  EXPECT_EQ(KeyPair::generate(random).public_key(), KeyPair{std::move(octets)}.public_key());
  EXPECT_EQ(random.u64(), same.u64());
}

TEST(KeyPair, IsAnotherOneEachTime) {
  SeededRandom random{7748};
  const KeyPair one = KeyPair::generate(random);
  EXPECT_NE(one.public_key(), KeyPair::generate(random).public_key());
}

// The u-coordinates of small order, of which 0 and 1 are the plainest.
TEST(KeyPair, RefusesAPeersValueThatGivesZero) {
  const KeyPair alice = pair_of(kAlice);
  for (const std::uint8_t u : {std::uint8_t{0}, std::uint8_t{1}}) {
    const PublicKey peer{u};
    const Result<Secret<kX25519Size>> secret = alice.shared_secret(peer);
    ASSERT_FALSE(secret) << int{u};
    EXPECT_EQ(secret.error().code, Error::Code::kProtocol);
  }
}

TEST(KeyPair, SharesASecretAlsoAfterARefusal) {
  const KeyPair alice = pair_of(kAlice);
  EXPECT_FALSE(alice.shared_secret(PublicKey{}));
  EXPECT_EQ(copy_of(alice.shared_secret(pair_of(kBob).public_key())->reveal()), octets_of_hex(kShared));
}

}  // namespace
}  // namespace isthmus::crypto
