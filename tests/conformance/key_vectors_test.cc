// Published vectors of HKDF-SHA256 (RFC 5869) and X25519 (RFC 7748).
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "crypto/kdf.h"
#include "crypto/key_exchange.h"
#include "crypto/known_answer.h"
#include "published_vectors.h"

namespace isthmus::crypto {
namespace {

Bytes copy_of(ConstBytes octets) {
  return {octets.begin(), octets.end()};
}

Bytes hkdf(ConstBytes salt, ConstBytes input, ConstBytes info, std::size_t size) {
  Bytes out(size);
  hkdf_expand(hkdf_extract(salt, input), info, out);
  return out;
}

Result<Secret<kX25519Size>> x25519(ConstBytes scalar, ConstBytes u) {
  Secret<kX25519Size> secret;
  std::ranges::copy(scalar, secret.writable().begin());
  PublicKey peer{};
  std::ranges::copy(u, peer.begin());
  return KeyPair{std::move(secret)}.shared_secret(peer);
}

// The tests of all groups of a file of Wycheproof's.
std::vector<nlohmann::json> wycheproof_tests(const std::string& file) {
  std::ifstream in{std::filesystem::path{kWycheproof} / file};
  std::vector<nlohmann::json> tests;
  const nlohmann::json all = nlohmann::json::parse(in);
  for (const nlohmann::json& group : all.at("testGroups"))
    for (const nlohmann::json& test : group.at("tests")) tests.push_back(test);
  return tests;
}

Bytes octets_of(const nlohmann::json& test, const char* name) {
  return octets_of_hex(test.at(name).get<std::string>());
}

class WycheproofKeys : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kWycheproof))
      GTEST_SKIP() << "Wycheproof's vectors are not at " << kWycheproof << " beside the repository";
  }
};

// What it calls invalid are outputs longer than the RFC allows; our constant says the same.
TEST_F(WycheproofKeys, HkdfHolds) {
  int ran = 0;
  for (const nlohmann::json& test : wycheproof_tests("hkdf_sha256_test.json")) {
    const auto size = test.at("size").get<std::size_t>();
    EXPECT_EQ(size <= kMaxHkdfOutput, test.at("result") == "valid") << test.at("tcId");
    if (size > kMaxHkdfOutput) continue;
    const Bytes out = hkdf(octets_of(test, "salt"), octets_of(test, "ikm"), octets_of(test, "info"), size);
    EXPECT_EQ(out, octets_of(test, "okm")) << test.at("tcId");
    ++ran;
  }
  EXPECT_GE(ran, 80);
}

// Where nothing but zero is shared we refuse, which it calls acceptable.
TEST_F(WycheproofKeys, X25519Holds) {
  int shared = 0;
  int refused = 0;
  for (const nlohmann::json& test : wycheproof_tests("x25519_test.json")) {
    const Bytes wanted = octets_of(test, "shared");
    const Result<Secret<kX25519Size>> secret = x25519(octets_of(test, "private"), octets_of(test, "public"));
    const bool is_zero = std::ranges::all_of(wanted, [](std::uint8_t octet) { return octet == 0; });
    ASSERT_EQ(secret.has_value(), !is_zero) << test.at("tcId");
    ++(is_zero ? refused : shared);
    if (!is_zero) {
      EXPECT_EQ(copy_of(secret->reveal()), wanted) << test.at("tcId");
    }
  }
  EXPECT_GE(shared, 480);
  EXPECT_GE(refused, 30);
}

class CryptographyKeyVectors : public testing::Test {
 protected:
  void SetUp() override { ASSERT_FALSE(vectors_.empty()) << "python3-cryptography-vectors is not installed"; }

  const std::filesystem::path vectors_ = cryptography_vectors();
};

TEST_F(CryptographyKeyVectors, HkdfHolds) {
  int ran = 0;
  for (const char* file : {"rfc-5869-HKDF-SHA256.txt", "hkdf-generated.txt"})
    for (const Record& record : read_records(vectors_ / "KDF" / file)) {
      const Bytes salt = octets_of(record, "salt");
      const Bytes input = octets_of(record, "ikm");
      const auto size = static_cast<std::size_t>(std::stoul(record.at("l")));
      EXPECT_EQ(hkdf(salt, input, octets_of(record, "info"), size), octets_of(record, "okm")) << file;
      if (record.contains("prk")) {
        EXPECT_EQ(copy_of(hkdf_extract(salt, input).reveal()), octets_of(record, "prk")) << file;
      }
      ++ran;
    }
  EXPECT_EQ(ran, 4);
}

TEST_F(CryptographyKeyVectors, Rfc7748Section52Holds) {
  int ran = 0;
  for (const Record& record : read_records(vectors_ / "asymmetric/X25519/rfc7748.txt")) {
    const Result<Secret<kX25519Size>> secret =
        x25519(octets_of(record, "input_scalar"), octets_of(record, "input_u"));
    ASSERT_TRUE(secret);
    EXPECT_EQ(copy_of(secret->reveal()), octets_of(record, "output_u")) << record.at("count");
    ++ran;
  }
  EXPECT_EQ(ran, 3);
}

}  // namespace
}  // namespace isthmus::crypto
