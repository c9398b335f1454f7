// The keys of an exchange against those that make_key_schedule.py works out with another library: messages,
// X25519, HKDF and the order of everything that goes into it.
#include "keying/key_schedule.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace isthmus::keying {
namespace {

Bytes from_hex(const std::string& hex) {
  Bytes octets;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    octets.push_back(static_cast<std::uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return octets;
}

struct Sa {
  unsigned direction = 0, worker = 0;
  Bytes key, salt;
};

struct Case {
  std::string name;
  unsigned cipher = 0;
  Bytes caller_key, called_key, offer, answer;
  std::vector<Sa> sas;
};

Sa read_sa(std::istream& in) {
  Sa sa;
  std::string key, salt;
  in >> sa.direction >> sa.worker >> key >> salt;
  sa.key = from_hex(key);
  sa.salt = from_hex(salt);
  return sa;
}

std::vector<Case> cases() {
  std::ifstream in{"tests/conformance/key_schedule.txt"};
  std::vector<Case> all;
  for (std::string word, value; in >> word;) {
    if (word == "end") continue;
    if (word == "sa") {
      all.back().sas.push_back(read_sa(in));
      continue;
    }
    in >> value;
    if (word == "case") all.emplace_back().name = value;
    if (word == "cipher") all.back().cipher = static_cast<unsigned>(std::stoul(value));
    if (word == "caller_key") all.back().caller_key = from_hex(value);
    if (word == "called_key") all.back().called_key = from_hex(value);
    if (word == "offer") all.back().offer = from_hex(value);
    if (word == "answer") all.back().answer = from_hex(value);
  }
  return all;
}

crypto::KeyPair key_pair(const Bytes& octets) {
  crypto::Secret<crypto::kX25519Size> secret;
  std::ranges::copy(octets, secret.writable().begin());
  return crypto::KeyPair{std::move(secret)};
}

Bytes copy(ConstBytes octets) {
  return {octets.begin(), octets.end()};
}

void check(const Case& one, const crypto::KeyPair& ours, const crypto::PublicKey& theirs) {
  const auto offer = std::get<KeyOffer>(decode_key_message(one.offer).value());
  const auto answer = std::get<KeyAnswer>(decode_key_message(one.answer).value());
  const auto secret = ours.shared_secret(theirs);
  ASSERT_TRUE(secret);
  const KeySchedule keys{*secret, {offer.nonce, answer.nonce, one.offer, one.answer}};
  for (const Sa& expected : one.sas) {
    const SaKey sa = keys.derive(Direction{static_cast<std::uint8_t>(expected.direction)}, expected.worker,
                                 crypto::Cipher{static_cast<std::uint8_t>(one.cipher)});
    EXPECT_EQ(copy(sa.key.reveal().first(expected.key.size())), expected.key) << one.name;
    EXPECT_EQ(Bytes(sa.salt.begin(), sa.salt.end()), expected.salt) << one.name;
  }
}

TEST(KeySchedule, GivesTheKeysThatAnotherLibraryWorksOut) {
  ASSERT_EQ(cases().size(), 3U) << "tests are run from the root of the repository";
  for (const Case& one : cases()) {
    const crypto::KeyPair caller = key_pair(one.caller_key);
    const crypto::KeyPair called = key_pair(one.called_key);
    check(one, caller, called.public_key());
    check(one, called, caller.public_key());
  }
}

TEST(KeySchedule, HasMessagesThatOurEncoderWritesOctetForOctet) {
  for (const Case& one : cases()) {
    EXPECT_EQ(encode(decode_key_message(one.offer).value()), one.offer);
    EXPECT_EQ(encode(decode_key_message(one.answer).value()), one.answer);
  }
}

TEST(KeySchedule, GivesOtherKeysForAnyOctetOfTheTranscript) {
  const crypto::Secret<crypto::kX25519Size> secret;
  const Bytes offer(100, 1), answer(100, 2);
  const KeySchedule keys{secret, {{}, {}, offer, answer}};
  const Bytes before = copy(keys.derive(Direction::kFromCaller, 0, crypto::Cipher::kAes256Gcm).key.reveal());
  for (std::size_t i = 0; i < 200; ++i) {
    Bytes changed_offer = offer, changed_answer = answer;
    (i < 100 ? changed_offer[i] : changed_answer[i - 100]) ^= 1;
    const KeySchedule others{secret, {{}, {}, changed_offer, changed_answer}};
    EXPECT_NE(copy(others.derive(Direction::kFromCaller, 0, crypto::Cipher::kAes256Gcm).key.reveal()),
              before);
  }
}

}  // namespace
}  // namespace isthmus::keying
