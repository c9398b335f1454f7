#include "keying/key_message.h"

#include <gtest/gtest.h>

#include <utility>

#include "base/field_message.h"

namespace isthmus::keying {
namespace {

using crypto::Cipher;
using esp::Generation;
using esp::Spi;

KeyOffer sample_offer() {
  KeyOffer offer;
  offer.generation = Generation{7};
  offer.nonce.fill(0x11);
  offer.public_key.fill(0x22);
  offer.ciphers = {Cipher::kAes128Gcm, Cipher::kChaCha20Poly1305};
  offer.is_aes_slow = true;
  offer.spis = {Spi{256}, Spi{0xffffffff}};
  return offer;
}

KeyAnswer sample_answer() {
  KeyAnswer answer;
  answer.generation = Generation{7};
  answer.nonce.fill(0x33);
  answer.public_key.fill(0x44);
  answer.cipher = Cipher::kAes256Gcm;
  answer.is_esn = true;
  answer.spis = {Spi{0x12345678}};
  return answer;
}

std::vector<KeyMessage> samples() {
  return {sample_offer(), sample_answer(), KeyRefusal{Generation{9}, KeyRefusal::Reason::kBadPublicKey},
          KeyDone{Generation{0xfffffffe}}};
}

TEST(KeyMessage, ComesBackAsItWasSent) {
  for (const KeyMessage& message : samples()) {
    const Bytes octets = encode(message);
    EXPECT_TRUE(is_key_message(octets));
    const Result<KeyMessage> back = decode_key_message(octets);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, message);
  }
}

TEST(KeyMessage, IsWrittenAsTheDocumentShows) {
  EXPECT_EQ(encode(KeyDone{Generation{7}}),
            (Bytes{0x01, 0x0f, 0x00, 0x0b, 0x18, 0x00, 0x04, 0x00, 0x00, 0x00, 0x07}));
}

TEST(KeyMessage, FitsTheSmallestMruWithSixteenWorkersAndEightCiphers) {
  KeyOffer offer = sample_offer();
  offer.spis.assign(kMaxWorkers, Spi{256});
  offer.ciphers.assign(kMaxCiphers, Cipher::kAes128Gcm);
  EXPECT_LE(encode(offer).size(), 1280U);
}

TEST(KeyMessage, IsReadWithPaddingBehindIt) {
  Bytes octets = encode(sample_offer());
  const Bytes sent = octets;
  octets.resize(octets.size() + 5);
  EXPECT_TRUE(decode_key_message(octets));
  EXPECT_EQ(Bytes(without_padding(octets).begin(), without_padding(octets).end()), sent);
}

TEST(KeyMessage, SkipsFieldsOfLaterVersions) {
  Bytes octets = encode(KeyDone{Generation{7}});
  const Bytes later{200, 0, 2, 0xaa, 0xbb};
  octets.insert(octets.end(), later.begin(), later.end());
  octets[3] = static_cast<std::uint8_t>(octets.size());
  EXPECT_TRUE(decode_key_message(octets));
}

TEST(KeyMessage, LeavesOutCiphersOfLaterVersions) {
  KeyOffer offer = sample_offer();
  offer.ciphers = {Cipher{9}, Cipher::kAes256Gcm, Cipher{0}};
  const Result<KeyMessage> back = decode_key_message(encode(offer));
  ASSERT_TRUE(back);
  EXPECT_EQ(std::get<KeyOffer>(*back).ciphers, std::vector{Cipher::kAes256Gcm});
}

TEST(KeyMessage, OfAnotherVersionIsUnsupported) {
  Bytes octets = encode(sample_offer());
  octets[0] = 2;
  ASSERT_FALSE(decode_key_message(octets));
  EXPECT_EQ(decode_key_message(octets).error().code, Error::Code::kUnsupported);
}

TEST(KeyMessage, CutAnywhereIsRefused) {
  for (const KeyMessage& message : samples()) {
    const Bytes octets = encode(message);
    for (std::size_t size = 0; size < octets.size(); ++size) {
      Bytes cut(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_FALSE(decode_key_message(cut));
      if (size < 4) continue;
      cut[2] = 0;
      cut[3] = static_cast<std::uint8_t>(size);
      EXPECT_FALSE(decode_key_message(cut)) << "with its length corrected to " << size;
    }
  }
}

struct RawField {
  std::uint8_t type;
  Bytes value;
};

Result<KeyMessage> decode_raw(std::uint8_t type, const std::vector<RawField>& fields) {
  FieldWriter out{1, type};
  for (const RawField& field : fields)
    out.field(field.type, [&](ByteWriter& value) { value.raw(field.value); });
  return decode_key_message(out.finish());
}

std::vector<RawField> answer_fields() {
  return {{24, {0, 0, 0, 7}}, {25, Bytes(32)}, {26, Bytes(32)}, {28, {1}}, {29, {0}}, {30, {0, 0, 1, 0}}};
}

TEST(KeyMessage, TakesTheRawFieldsThatTheHostileCasesStartFrom) {
  EXPECT_TRUE(decode_raw(13, answer_fields()));
}

TEST(KeyMessage, WithoutAnyOneOfItsFieldsIsRefused) {
  for (std::size_t i = 0; i < answer_fields().size(); ++i) {
    std::vector<RawField> fields = answer_fields();
    fields.erase(fields.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(decode_raw(13, fields)) << "field " << i;
  }
}

TEST(KeyMessage, WithAnyOfItsFieldsTwiceIsRefused) {
  for (std::size_t i = 0; i < answer_fields().size(); ++i) {
    std::vector<RawField> fields = answer_fields();
    fields.push_back(fields[i]);
    EXPECT_FALSE(decode_raw(13, fields)) << "field " << i;
  }
}

TEST(KeyMessage, WithAFieldTooLongOrTooShortIsRefused) {
  for (std::size_t i = 0; i < answer_fields().size(); ++i) {
    std::vector<RawField> longer = answer_fields();
    longer[i].value.push_back(0);
    EXPECT_FALSE(decode_raw(13, longer)) << "field " << i;
    std::vector<RawField> shorter = answer_fields();
    shorter[i].value.pop_back();
    EXPECT_FALSE(decode_raw(13, shorter)) << "field " << i;
  }
}

TEST(KeyMessage, WithAFieldBeyondItsEndIsRefused) {
  Bytes octets = encode(KeyMessage{KeyDone{esp::Generation{7}}});
  octets.insert(octets.end(), {99, 0, 1, 0});
  octets[3] = static_cast<std::uint8_t>(octets.size());
  EXPECT_TRUE(decode_key_message(octets));
  octets[octets.size() - 2] = 2;
  EXPECT_FALSE(decode_key_message(octets));
}

TEST(KeyMessage, WithMoreSpisThanWorkersCanBeIsRefused) {
  std::vector<RawField> fields = answer_fields();
  fields[5].value = Bytes(4 * (kMaxWorkers + 1), 1);
  EXPECT_FALSE(decode_raw(13, fields));
}

TEST(KeyMessage, WithAnUnknownCipherAsTheAnswerIsRefused) {
  std::vector<RawField> fields = answer_fields();
  fields[3].value = {4};
  EXPECT_FALSE(decode_raw(13, fields));
}

TEST(KeyMessage, WithARefusalOfNoKnownNumberIsRefused) {
  EXPECT_TRUE(decode_raw(14, {{24, {0, 0, 0, 7}}, {31, {5}}}));
  EXPECT_FALSE(decode_raw(14, {{24, {0, 0, 0, 7}}, {31, {6}}}));
  EXPECT_FALSE(decode_raw(14, {{24, {0, 0, 0, 7}}, {31, {0}}}));
}

TEST(KeyMessage, OfAnotherKindIsNone) {
  EXPECT_FALSE(is_key_message(Bytes{1, 11, 0, 4}));
  EXPECT_FALSE(is_key_message(Bytes{1, 16, 0, 4}));
  EXPECT_FALSE(is_key_message(Bytes{1, 12, 0}));
}

}  // namespace
}  // namespace isthmus::keying
