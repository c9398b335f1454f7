// Two libraries that share no code, each the judge of the other: intel-ipsec-mb and OpenSSL give the same
// octets for whatever a data path may ask. And several threads with an Aead each do not disturb one another.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/seeded_random.h"
#include "crypto/aead.h"

namespace isthmus::crypto {
namespace {

constexpr std::uint64_t kSeed = 4106;

struct Packet {
  Nonce nonce{};
  Bytes aad;
  Bytes text;
  Bytes tail;
};

Bytes random_octets(SeededRandom& random, std::size_t size) {
  Bytes octets(size);
  random.fill(octets);
  return octets;
}

// Every third one short: there the loops for a few blocks and the rests are.
Packet random_packet(SeededRandom& random) {
  Packet packet;
  random.fill(packet.nonce);
  packet.aad = random_octets(random, random.u32() % 4 == 0 ? random.u32() % 40 : 8 + 4 * (random.u32() % 2));
  packet.text = random_octets(random, random.u32() % (random.u32() % 3 == 0 ? 300 : 9001));
  packet.tail = random_octets(random, random.u32() % (kMaxTailSize + 1));
  return packet;
}

enum class Place : std::uint8_t { kApart, kInPlace };

Bytes seal(Aead& aead, const Packet& packet, Place place) {
  Bytes room = packet.text;
  room.resize(packet.text.size() + packet.tail.size());
  if (place == Place::kApart) {
    Bytes out(room.size() + kIcvSize);
    aead.seal(packet.nonce, packet.aad, room, packet.tail, out);
    return out;
  }
  room.resize(room.size() + kIcvSize);
  aead.seal(packet.nonce, packet.aad, MutableBytes{room}.first(room.size() - kIcvSize), packet.tail, room);
  return room;
}

// What `sealed` holds; nothing if it is refused.
std::optional<Bytes> open(Aead& aead, const Packet& packet, ConstBytes sealed, Place place) {
  Bytes buffer(sealed.begin(), sealed.end());
  Bytes apart(sealed.size() - kIcvSize);
  const MutableBytes out =
      place == Place::kApart ? MutableBytes{apart} : MutableBytes{buffer}.first(apart.size());
  if (!aead.open(packet.nonce, packet.aad, buffer, out)) return std::nullopt;
  return Bytes(out.begin(), out.end());
}

class Agreement : public testing::TestWithParam<Cipher> {};
INSTANTIATE_TEST_SUITE_P(Ciphers, Agreement,
                         testing::Values(Cipher::kAes128Gcm, Cipher::kAes256Gcm, Cipher::kChaCha20Poly1305));

TEST_P(Agreement, IsOnEveryPacket) {
  SeededRandom random{kSeed};
  if (!make_aead(GetParam(), Bytes(key_size(GetParam())), Backend::kIpsecMb))
    GTEST_SKIP() << "intel-ipsec-mb is not in this build, or not for this processor: nobody to agree with";
  for (int key = 0; key < 20; ++key) {
    const Bytes octets = random_octets(random, key_size(GetParam()));
    const std::unique_ptr<Aead> one = *make_aead(GetParam(), octets, Backend::kIpsecMb);
    const std::unique_ptr<Aead> other = *make_aead(GetParam(), octets, Backend::kOpenSsl);
    for (int i = 0; i < 100; ++i) {
      const Packet packet = random_packet(random);
      Bytes whole = packet.text;
      whole.insert(whole.end(), packet.tail.begin(), packet.tail.end());
      const Bytes sealed = seal(*one, packet, Place::kApart);
      const auto where = [&] {
        return testing::Message() << "seed " << kSeed << ", key " << key << ", packet " << i << ": "
                                  << packet.text.size() << " octets and " << packet.tail.size();
      };
      ASSERT_EQ(seal(*other, packet, Place::kApart), sealed) << where();
      ASSERT_EQ(seal(*one, packet, Place::kInPlace), sealed) << where();
      ASSERT_EQ(seal(*other, packet, Place::kInPlace), sealed) << where();
      for (Aead* const aead : {one.get(), other.get()})
        for (const Place place : {Place::kApart, Place::kInPlace})
          ASSERT_EQ(open(*aead, packet, sealed, place), whole) << where();
    }
  }
}

// Both refuse the same, whichever bit it is.
TEST_P(Agreement, IsOnForgeriesToo) {
  SeededRandom random{kSeed};
  const Bytes octets = random_octets(random, key_size(GetParam()));
  for (const Backend backend : {Backend::kOpenSsl, Backend::kIpsecMb}) {
    const Result<std::unique_ptr<Aead>> aead = make_aead(GetParam(), octets, backend);
    if (!aead) continue;
    for (int i = 0; i < 300; ++i) {
      const Packet packet = random_packet(random);
      Bytes forged = seal(**aead, packet, Place::kApart);
      const std::size_t bit = random.u32() % (forged.size() * 8);
      forged[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      ASSERT_FALSE(open(**aead, packet, forged, Place::kInPlace)) << "seed " << kSeed << ", packet " << i;
    }
  }
}

TEST_P(Agreement, IsKeptByThreadsWithAnAeadEach) {
  constexpr std::size_t kThreads = 4;
  std::array<int, kThreads> wrong{};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t)
    threads.emplace_back([cipher = GetParam(), t, &wrong] {
      SeededRandom random{kSeed + t};
      const std::unique_ptr<Aead> ours = *make_aead(cipher, random_octets(random, key_size(cipher)));
      for (int i = 0; i < 300; ++i) {
        const Packet packet = random_packet(random);
        Bytes whole = packet.text;
        whole.insert(whole.end(), packet.tail.begin(), packet.tail.end());
        if (open(*ours, packet, seal(*ours, packet, Place::kApart), Place::kInPlace) != whole) ++wrong[t];
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, (std::array<int, kThreads>{}));
}

}  // namespace
}  // namespace isthmus::crypto
