#include "session/datagram_message.h"

#include <gtest/gtest.h>

#include <utility>

#include "base/field_message.h"
#include "session/message.h"

namespace isthmus::session {
namespace {

using crypto::Cipher;
using esp::Generation;

IpAddress address(const char* text) {
  return IpAddress::parse(text).value();
}

DatagramHello sample_hello() {
  DatagramHello hello;
  hello.port = 4500;
  hello.addresses = {address("192.0.2.1"), address("2001:db8::1")};
  hello.seen = {address("198.51.100.7")};
  hello.ciphers = {Cipher::kChaCha20Poly1305, Cipher::kAes256Gcm};
  hello.keying = {16, Generation{9}, {Generation{8}, Generation{9}}};
  return hello;
}

std::vector<DatagramMessage> samples() {
  return {sample_hello(),
          PathReport{{{Generation{8}, 0}, {Generation{9}, 0x0102030405060708, 0x0102030405060709}}, 1500},
          PathReport{}, PathClose{}};
}

TEST(DatagramMessage, ComesBackAsItWasSent) {
  for (const DatagramMessage& message : samples()) {
    const Bytes octets = encode(message);
    EXPECT_TRUE(is_datagram_message(octets));
    EXPECT_LE(octets.size(), 1280U);
    const Result<DatagramMessage> back = decode_datagram_message(octets);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, message);
  }
}

TEST(DatagramMessage, IsWrittenAsTheDocumentShows) {
  EXPECT_EQ(encode(PathClose{}), (Bytes{0x01, 0x0b, 0x00, 0x08, 0x17, 0x00, 0x01, 0x01}));
}

TEST(DatagramMessage, IsUnsupportedToTheReaderOfTheOthers) {
  for (const DatagramMessage& message : samples()) {
    const Result<Message> other = decode(encode(message));
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, Error::Code::kUnsupported);
  }
}

TEST(DatagramMessage, CutsListsAtTheirLimits) {
  DatagramHello hello = sample_hello();
  hello.addresses.assign(20, address("192.0.2.1"));
  hello.seen.assign(20, address("192.0.2.1"));
  hello.ciphers.assign(20, Cipher::kAes128Gcm);
  const Result<DatagramMessage> back = decode_datagram_message(encode(hello));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(std::get<DatagramHello>(*back).addresses.size(), kMaxOwnAddresses);
  EXPECT_EQ(std::get<DatagramHello>(*back).seen.size(), kMaxSeenAddresses);
}

TEST(DatagramMessage, CutAnywhereIsRefusedOrShorter) {
  for (const DatagramMessage& message : samples()) {
    const Bytes octets = encode(message);
    for (std::size_t size = 0; size < octets.size(); ++size) {
      Bytes cut(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_FALSE(decode_datagram_message(cut));
      if (size < 4) continue;
      cut[2] = 0;
      cut[3] = static_cast<std::uint8_t>(size);
      const Result<DatagramMessage> read = decode_datagram_message(cut);
      if (read) {
        EXPECT_NE(*read, message);
      }
    }
  }
}

struct RawField {
  std::uint8_t type;
  Bytes value;
};

Result<DatagramMessage> decode_raw(std::uint8_t type, const std::vector<RawField>& fields) {
  FieldWriter out{1, type};
  for (const RawField& field : fields)
    out.field(field.type, [&](ByteWriter& value) { value.raw(field.value); });
  return decode_datagram_message(out.finish());
}

// port, ciphers, workers, generation: what must be there once.
std::vector<RawField> hello_fields() {
  return {{16, {0, 22}}, {27, {1}}, {19, {1}}, {24, {0, 0, 0, 0}}};
}

TEST(DatagramHello, WithoutAnyOneOfItsFieldsIsRefused) {
  EXPECT_TRUE(decode_raw(9, hello_fields()));
  for (std::size_t i = 0; i < 4; ++i) {
    std::vector<RawField> fields = hello_fields();
    fields.erase(fields.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(decode_raw(9, fields)) << "field " << i;
  }
}

TEST(DatagramHello, WithAnyOfThemTwiceIsRefused) {
  for (std::size_t i = 0; i < 4; ++i) {
    std::vector<RawField> fields = hello_fields();
    fields.push_back(fields[i]);
    EXPECT_FALSE(decode_raw(9, fields)) << "field " << i;
  }
}

TEST(DatagramHello, WithoutAPortOrWithWorkersThatCannotBeIsRefused) {
  for (const auto& [index, value] : {std::pair<std::size_t, Bytes>{0, {0, 0}},
                                     {0, {1}},
                                     {2, {0}},
                                     {2, {17}},
                                     {2, {0, 1}},
                                     {3, {0, 0, 0}},
                                     {1, {}},
                                     {1, Bytes(9, 1)}}) {
    std::vector<RawField> fields = hello_fields();
    fields[index].value = value;
    EXPECT_FALSE(decode_raw(9, fields)) << "field " << index;
  }
}

TEST(DatagramHello, WithTooManyOfAListIsRefused) {
  const auto with = [](std::uint8_t type, const Bytes& value, std::size_t count) {
    std::vector<RawField> fields = hello_fields();
    for (std::size_t i = 0; i < count; ++i) fields.push_back({type, value});
    return decode_raw(9, fields).has_value();
  };
  const Bytes ipv4{4, 192, 0, 2, 1};
  EXPECT_TRUE(with(17, ipv4, kMaxOwnAddresses));
  EXPECT_FALSE(with(17, ipv4, kMaxOwnAddresses + 1));
  EXPECT_TRUE(with(18, ipv4, kMaxSeenAddresses));
  EXPECT_FALSE(with(18, ipv4, kMaxSeenAddresses + 1));
  EXPECT_TRUE(with(20, {0, 0, 0, 1}, keying::kMaxLive));
  EXPECT_FALSE(with(20, {0, 0, 0, 1}, keying::kMaxLive + 1));
}

TEST(DatagramHello, WithABrokenAddressIsRefused) {
  for (const Bytes& value : {Bytes{}, Bytes{4}, Bytes{4, 1, 2, 3}, Bytes{4, 1, 2, 3, 4, 5},
                             Bytes{5, 1, 2, 3, 4}, Bytes{6, 1, 2, 3, 4}, Bytes(18, 6)}) {
    std::vector<RawField> fields = hello_fields();
    fields.push_back({17, value});
    EXPECT_FALSE(decode_raw(9, fields));
  }
}

TEST(DatagramHello, SkipsUnknownFieldsAndUnknownCiphers) {
  std::vector<RawField> fields = hello_fields();
  fields.push_back({250, {1, 2, 3}});
  fields[1].value = {9, 3, 0};
  const Result<DatagramMessage> hello = decode_raw(9, fields);
  ASSERT_TRUE(hello);
  EXPECT_EQ(std::get<DatagramHello>(*hello).ciphers, std::vector{Cipher::kChaCha20Poly1305});
}

TEST(PathReport, WithBrokenCountsIsRefused) {
  const Bytes good(12, 1);
  EXPECT_TRUE(decode_raw(10, {{21, good}, {21, good}, {22, {5, 0}}}));
  EXPECT_FALSE(decode_raw(10, {{21, good}, {21, good}, {21, good}}));
  EXPECT_FALSE(decode_raw(10, {{21, Bytes(11, 1)}}));
  EXPECT_FALSE(decode_raw(10, {{21, Bytes(13, 1)}}));
  EXPECT_FALSE(decode_raw(10, {{22, {5}}}));
  EXPECT_FALSE(decode_raw(10, {{22, {5, 0}}, {22, {5, 0}}}));
}

TEST(PathReport, TellsTheHighestNumbersBehindTheCountOfTheirGeneration) {
  const Bytes first(12, 1), second(12, 2);
  EXPECT_TRUE(decode_raw(10, {{21, first}, {32, first}, {21, second}, {32, second}}));
  EXPECT_FALSE(decode_raw(10, {{32, first}, {21, first}}));
  EXPECT_FALSE(decode_raw(10, {{21, first}, {21, second}, {32, first}}));
  EXPECT_FALSE(decode_raw(10, {{21, first}, {32, first}, {32, first}}));
  EXPECT_FALSE(decode_raw(10, {{21, first}, {32, Bytes(11, 1)}}));
}

TEST(PathClose, WithoutAKnownReasonIsRefused) {
  EXPECT_FALSE(decode_raw(11, {}));
  EXPECT_FALSE(decode_raw(11, {{23, {0}}}));
  EXPECT_FALSE(decode_raw(11, {{23, {2}}}));
  EXPECT_FALSE(decode_raw(11, {{23, {1}}, {23, {1}}}));
}

TEST(DatagramMessage, OfAnotherKindOrVersionIsNone) {
  EXPECT_FALSE(is_datagram_message(Bytes{1, 8, 0, 4}));
  EXPECT_FALSE(is_datagram_message(Bytes{1, 12, 0, 4}));
  EXPECT_FALSE(is_datagram_message(Bytes{2, 9, 0, 4}));
  EXPECT_FALSE(is_datagram_message(Bytes{1, 9, 0}));
  EXPECT_FALSE(decode_datagram_message(Bytes{1, 8, 0, 4}));
}

}  // namespace
}  // namespace isthmus::session
