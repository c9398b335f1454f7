// Packets that others published, octet by octet, both ways: esp_vectors.txt says whose.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "esp/esp_format.h"
#include "net/big_endian.h"

namespace isthmus::esp {
namespace {

using Vector = std::map<std::string, std::string>;

std::vector<Vector> vectors() {
  std::ifstream file("tests/conformance/esp_vectors.txt");
  std::vector<Vector> all;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string name;
    std::string value;
    words >> name >> value;
    if (name == "source") all.emplace_back();
    all.back()[name] = value;
  }
  return all;
}

Bytes octets(const std::string& hex) {
  Bytes out;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
    out.push_back(static_cast<std::uint8_t>(std::stoi(hex.substr(at, 2), nullptr, 16)));
  return out;
}

SaCipher cipher_of(const Vector& vector) {
  const std::map<std::string, crypto::Cipher> kinds{{"aes-128-gcm", crypto::Cipher::kAes128Gcm},
                                                    {"aes-256-gcm", crypto::Cipher::kAes256Gcm},
                                                    {"chacha20-poly1305", crypto::Cipher::kChaCha20Poly1305}};
  SaCipher cipher{crypto::make_aead(kinds.at(vector.at("cipher")), octets(vector.at("key"))).value(), {}};
  std::ranges::copy(octets(vector.at("salt")), cipher.salt.begin());
  return cipher;
}

PacketLabel label_of(const Vector& vector) {
  const Bytes number = octets(vector.at("sequence"));
  const bool is_esn = number.size() == 8;
  return {.spi = Spi{load_u32(octets(vector.at("spi")), 0)},
          .sequence = SequenceNumber{is_esn ? load_u64(number, 0) : load_u32(number, 0)},
          .is_esn = is_esn};
}

// The text without the trailer that the document shows with it.
Bytes text_of(const Bytes& plaintext) {
  const std::size_t padding = plaintext[plaintext.size() - 2];
  return {plaintext.begin(), plaintext.end() - static_cast<std::ptrdiff_t>(kTrailerSize + padding)};
}

TEST(EspVectors, AreAllThere) {
  const auto all = vectors();
  const auto of = [&all](const char* source) {
    return std::ranges::count_if(all, [source](const Vector& one) { return one.at("source") == source; });
  };
  EXPECT_EQ(of("draft-mcgrew-gcm-test-01"), 13);
  EXPECT_EQ(of("rfc7634-appendix-a"), 1);
}

TEST(EspVectors, AreWhatWeSeal) {
  for (const Vector& vector : vectors()) {
    const Bytes plaintext = octets(vector.at("plaintext"));
    Bytes room = text_of(plaintext);
    Bytes out(sealed_size(room.size()));
    room.resize(room.size() + kTrailerRoom);
    seal_packet(cipher_of(vector), label_of(vector),
                {.room = room, .next_header = plaintext.back(), .iv = load_u64(octets(vector.at("iv")), 0)},
                out);
    EXPECT_EQ(out, octets(vector.at("packet"))) << vector.at("source") << " " << vector.at("packet");
  }
}

TEST(EspVectors, AreWhatWeOpen) {
  for (const Vector& vector : vectors()) {
    const Bytes packet = octets(vector.at("packet"));
    ASSERT_TRUE(parse_head(packet));
    Bytes plain(opened_size(packet.size()));
    ASSERT_TRUE(open_packet(cipher_of(vector), label_of(vector), packet, plain));
    EXPECT_EQ(plain, octets(vector.at("plaintext")));
    const Bytes plaintext = plain;
    const auto opened = strip_trailer(plain);
    ASSERT_TRUE(opened);
    EXPECT_TRUE(std::ranges::equal(opened->text, text_of(plaintext)));
    EXPECT_EQ(opened->next_header, plaintext.back());
  }
}

}  // namespace
}  // namespace isthmus::esp
