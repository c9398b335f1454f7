#include "crypto/kdf.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/known_answer.h"

namespace isthmus::crypto {
namespace {

Bytes copy_of(ConstBytes octets) {
  return {octets.begin(), octets.end()};
}

Secret<kSha256Size> secret_of(ConstBytes octets) {
  Secret<kSha256Size> secret;
  std::ranges::copy(octets, secret.writable().begin());
  return secret;
}

// FIPS 180-4, the example of NIST: "abc".
TEST(Sha256, HashesThePublishedExample) {
  EXPECT_EQ(copy_of(sha256({bytes_of("abc")})),
            octets_of_hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
}

TEST(Sha256, HashesPiecesAsOne) {
  EXPECT_EQ(sha256({bytes_of("a"), {}, bytes_of("bc")}), sha256({bytes_of("abc")}));
}

TEST(Sha256, HashesNothing) {
  EXPECT_EQ(copy_of(sha256({})),
            octets_of_hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
}

// RFC 5869 appendix A.1.
TEST(Hkdf, ExtractsAndExpandsTheRfcsFirstCase) {
  const Bytes input(22, 0x0b);
  const Secret<kSha256Size> prk = hkdf_extract(octets_of_hex("000102030405060708090a0b0c"), input);
  EXPECT_EQ(copy_of(prk.reveal()),
            octets_of_hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"));
  Bytes out(42);
  hkdf_expand(prk, octets_of_hex("f0f1f2f3f4f5f6f7f8f9"), out);
  EXPECT_EQ(out, octets_of_hex(
                     "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"));
}

// RFC 5869 section 2.2: "if not provided, it is set to a string of HashLen zeros".
TEST(Hkdf, TakesNoSaltForAZeroOne) {
  EXPECT_EQ(copy_of(hkdf_extract({}, bytes_of("input")).reveal()),
            copy_of(hkdf_extract(Bytes(kSha256Size), bytes_of("input")).reveal()));
}

TEST(Hkdf, GivesTheSameBeginningWhateverTheLength) {
  const Secret<kSha256Size> prk = secret_of(Bytes(kSha256Size, 3));
  Bytes most(kMaxHkdfOutput);
  hkdf_expand(prk, bytes_of("label"), most);
  for (const std::size_t size : {std::size_t{1}, kSha256Size, kSha256Size + 1, kMaxHkdfOutput - 1}) {
    Bytes out(size);
    hkdf_expand(prk, bytes_of("label"), out);
    EXPECT_TRUE(std::ranges::equal(out, ConstBytes{most}.first(size))) << size;
  }
}

TEST(Hkdf, TakesTheLongestInfo) {
  const Secret<kSha256Size> prk = secret_of(Bytes(kSha256Size, 3));
  Bytes one(32);
  Bytes other(32);
  Bytes info(kMaxHkdfInfo);
  hkdf_expand(prk, info, one);
  info.back() = 1;
  hkdf_expand(prk, info, other);
  EXPECT_NE(one, other);
}

}  // namespace
}  // namespace isthmus::crypto
