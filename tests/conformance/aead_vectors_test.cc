// Published vectors of the ciphers of ESP, through both libraries. RFC 4106 and RFC 7634 have nonces of 96
// bits and, as we use them, ICVs of 128: the others are counted, not run.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "crypto/aead.h"
#include "crypto/known_answer.h"
#include "published_vectors.h"

namespace isthmus::crypto {
namespace {

struct Vector {
  std::string name;
  Bytes key;
  Bytes nonce;
  Bytes aad;
  Bytes text;  // not given where it is forged
  Bytes ciphertext;
  Bytes icv;
  bool is_genuine = true;
};

enum class Family : std::uint8_t { kAesGcm, kChaCha20Poly1305 };

struct Tally {
  int genuine = 0;  // vectors that ran, each with every back end that is there
  int forged = 0;
  int not_applicable = 0;  // other lengths of key, nonce or ICV than ours
};

bool is_ours(Family family, const Vector& vector) {
  const bool is_key_ours = vector.key.size() == 32 || (family == Family::kAesGcm && vector.key.size() == 16);
  return is_key_ours && vector.nonce.size() == kNonceSize && vector.icv.size() == kIcvSize;
}

Cipher cipher_of(Family family, const Vector& vector) {
  if (family == Family::kChaCha20Poly1305) return Cipher::kChaCha20Poly1305;
  return vector.key.size() == 16 ? Cipher::kAes128Gcm : Cipher::kAes256Gcm;
}

void expect_genuine(Aead& aead, const Nonce& nonce, const Vector& vector, const Bytes& sealed) {
  Bytes room = vector.text;
  Bytes out(sealed.size());
  aead.seal(nonce, vector.aad, room, {}, out);
  EXPECT_EQ(out, sealed) << vector.name;
  Bytes opened(vector.text.size());
  EXPECT_TRUE(aead.open(nonce, vector.aad, sealed, opened)) << vector.name;
  EXPECT_EQ(opened, vector.text) << vector.name;
}

void expect_forged(Aead& aead, const Nonce& nonce, const Vector& vector, const Bytes& sealed) {
  Bytes opened(vector.ciphertext.size(), 0xa5);
  EXPECT_FALSE(aead.open(nonce, vector.aad, sealed, opened)) << vector.name;
  EXPECT_EQ(opened, Bytes(opened.size())) << vector.name;
}

void run(Family family, const Vector& vector, Tally& tally) {
  if (!is_ours(family, vector)) {
    ++tally.not_applicable;
    return;
  }
  Nonce nonce{};
  std::ranges::copy(vector.nonce, nonce.begin());
  Bytes sealed = vector.ciphertext;
  sealed.insert(sealed.end(), vector.icv.begin(), vector.icv.end());
  ++(vector.is_genuine ? tally.genuine : tally.forged);
  for (const Backend backend : {Backend::kOpenSsl, Backend::kIpsecMb, Backend::kBest}) {
    const Result<std::unique_ptr<Aead>> aead = make_aead(cipher_of(family, vector), vector.key, backend);
    // The unit tests say whether intel-ipsec-mb ought to be there.
    if (!aead && backend == Backend::kIpsecMb) continue;
    ASSERT_TRUE(aead) << aead.error().message;
    vector.is_genuine ? expect_genuine(**aead, nonce, vector, sealed)
                      : expect_forged(**aead, nonce, vector, sealed);
  }
}

void expect_at_least(const Tally& tally, int genuine, int forged) {
  EXPECT_GE(tally.genuine, genuine);
  EXPECT_GE(tally.forged, forged);
  testing::Test::RecordProperty("genuine", tally.genuine);
  testing::Test::RecordProperty("forged", tally.forged);
  testing::Test::RecordProperty("not_applicable", tally.not_applicable);
}

class Wycheproof : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kWycheproof))
      GTEST_SKIP() << "Wycheproof's vectors are not at " << kWycheproof << " beside the repository";
  }

  static Tally run_file(Family family, const std::string& file) {
    std::ifstream in{std::filesystem::path{kWycheproof} / file};
    const nlohmann::json all = nlohmann::json::parse(in);
    const auto octets = [](const nlohmann::json& test, const char* name) {
      return octets_of_hex(test.at(name).get<std::string>());
    };
    Tally tally;
    for (const nlohmann::json& group : all.at("testGroups"))
      for (const nlohmann::json& test : group.at("tests"))
        run(family,
            {.name = file + " " + std::to_string(test.at("tcId").get<int>()),
             .key = octets(test, "key"),
             .nonce = octets(test, "iv"),
             .aad = octets(test, "aad"),
             .text = octets(test, "msg"),
             .ciphertext = octets(test, "ct"),
             .icv = octets(test, "tag"),
             .is_genuine = test.at("result") == "valid"},
            tally);
    return tally;
  }
};

TEST_F(Wycheproof, AesGcmHolds) {
  expect_at_least(run_file(Family::kAesGcm, "aes_gcm_test.json"), 75, 50);
}

TEST_F(Wycheproof, ChaCha20Poly1305Holds) {
  expect_at_least(run_file(Family::kChaCha20Poly1305, "chacha20_poly1305_test.json"), 250, 60);
}

class CryptographyVectors : public testing::Test {
 protected:
  void SetUp() override { ASSERT_FALSE(vectors_.empty()) << "python3-cryptography-vectors is not installed"; }

  const std::filesystem::path vectors_ = cryptography_vectors();
};

TEST_F(CryptographyVectors, CavpsAesGcmHolds) {
  Tally tally;
  for (const std::string file :
       {"gcmEncryptExtIV128.rsp", "gcmEncryptExtIV256.rsp", "gcmDecrypt128.rsp", "gcmDecrypt256.rsp"})
    for (const Record& record : read_records(vectors_ / "ciphers/AES/GCM" / file))
      run(Family::kAesGcm,
          {.name = file + " key " + record.at("key"),
           .key = octets_of(record, "key"),
           .nonce = octets_of(record, "iv"),
           .aad = octets_of(record, "aad"),
           .text = octets_of(record, "pt"),
           .ciphertext = octets_of(record, "ct"),
           .icv = octets_of(record, "tag"),
           .is_genuine = !record.contains("fail")},
          tally);
  expect_at_least(tally, 1000, 300);
}

TEST_F(CryptographyVectors, BoringSslsChaCha20Poly1305Holds) {
  Tally tally;
  for (const Record& record : read_records(vectors_ / "ciphers/ChaCha20Poly1305/boringssl.txt"))
    run(Family::kChaCha20Poly1305,
        {.name = "boringssl.txt " + record.at("count"),
         .key = octets_of(record, "key"),
         .nonce = octets_of(record, "nonce"),
         .aad = octets_of(record, "ad"),
         .text = octets_of(record, "in"),
         .ciphertext = octets_of(record, "ct"),
         .icv = octets_of(record, "tag")},
        tally);
  expect_at_least(tally, 66, 0);
}

TEST_F(CryptographyVectors, OpenSslsChaCha20Poly1305Holds) {
  Tally tally;
  for (const Record& record : read_records(vectors_ / "ciphers/ChaCha20Poly1305/openssl.txt"))
    run(Family::kChaCha20Poly1305,
        {.name = "openssl.txt " + record.at("count"),
         .key = octets_of(record, "key"),
         .nonce = octets_of(record, "iv"),
         .aad = octets_of(record, "aad"),
         .text = octets_of(record, "plaintext"),
         .ciphertext = octets_of(record, "ciphertext"),
         .icv = octets_of(record, "tag"),
         .is_genuine = !record.contains("result")},
        tally);
  expect_at_least(tally, 4, 1);
}

}  // namespace
}  // namespace isthmus::crypto
