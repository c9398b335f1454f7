#include "crypto/known_answer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "base/guard.h"

namespace isthmus::crypto {
namespace {

constexpr std::array<KnownAnswer, 3> kAnswers{{
    {
        // "The Galois/Counter Mode of Operation", McGrew and Viega, test case 4.
        .cipher = Cipher::kAes128Gcm,
        .name = "AES-128-GCM",
        .key = "feffe9928665731c6d6a8f9467308308",
        .nonce = "cafebabefacedbaddecaf888",
        .aad = "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        .text =
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
            "b16aedf5aa0de657ba637b39",
        .sealed =
            "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa05"
            "1ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47",
    },
    {
        // The same, test case 16.
        .cipher = Cipher::kAes256Gcm,
        .name = "AES-256-GCM",
        .key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
        .nonce = "cafebabefacedbaddecaf888",
        .aad = "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        .text =
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
            "b16aedf5aa0de657ba637b39",
        .sealed =
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
            "c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
    },
    {
        // RFC 8439 section 2.8.2.
        .cipher = Cipher::kChaCha20Poly1305,
        .name = "ChaCha20-Poly1305",
        .key = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
        .nonce = "070000004041424344454647",
        .aad = "50515253c0c1c2c3c4c5c6c7",
        .text =
            "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a20496620492063"
            "6f"
            "756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c2073756e7363"
            "7265656e20776f756c642062652069742e",
        .sealed =
            "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b"
            "1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
            "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691",
    },
}};

Nonce nonce_of(std::string_view hex) {
  const Bytes octets = octets_of_hex(hex);
  Nonce nonce{};
  std::ranges::copy(octets, nonce.begin());
  return nonce;
}

std::unexpected<Error> broken(std::string_view name, std::string_view how) {
  return fail(Error::Code::kUnsupported, "self-test of " + std::string{name} + ": " + std::string{how});
}

Bytes seal(Aead& aead, const Nonce& nonce, ConstBytes aad, ConstBytes text) {
  Bytes room(text.begin(), text.end());
  Bytes sealed(text.size() + kIcvSize);
  aead.seal(nonce, aad, room, {}, sealed);
  return sealed;
}

}  // namespace

std::span<const KnownAnswer> known_answers() {
  return kAnswers;
}

Bytes octets_of_hex(std::string_view hex) {
  Bytes octets;
  for (std::size_t i = 0; i + 2 <= hex.size(); i += 2) {
    std::uint8_t octet = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, octet, 16);
    octets.push_back(octet);
  }
  return octets;
}

Result<void> check_known_answer(Aead& aead, const KnownAnswer& answer) {
  const Nonce nonce = nonce_of(answer.nonce);
  const Bytes aad = octets_of_hex(answer.aad);
  const Bytes text = octets_of_hex(answer.text);
  Bytes sealed = octets_of_hex(answer.sealed);
  if (!guard<Guard::kSelfTest>(seal(aead, nonce, aad, text) == sealed))
    return broken(answer.name, "it seals other octets than published");

  Bytes opened(text.size());
  if (!guard<Guard::kSelfTest>(aead.open(nonce, aad, sealed, opened) && opened == text))
    return broken(answer.name, "it does not open what is genuine");

  sealed.back() ^= 1;
  if (!guard<Guard::kSelfTest>(!aead.open(nonce, aad, sealed, opened)))
    return broken(answer.name, "it opens what is forged");
  if (opened != Bytes(text.size())) return broken(answer.name, "it leaves octets of what is forged");
  return {};
}

Result<void> check_agreement(Aead& one, Aead& other, std::string_view name) {
  constexpr Nonce kNonce{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  // More than the 48 blocks of 16 octets that a loop takes at once, and a rest that fills no block.
  Bytes text(4099);
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  const Bytes sealed = seal(one, kNonce, kNonce, text);
  Bytes opened(text.size());
  const bool agrees = seal(other, kNonce, kNonce, text) == sealed &&
                      one.open(kNonce, kNonce, sealed, opened) && opened == text;
  if (!guard<Guard::kSelfTest>(agrees)) return broken(name, "two libraries do not agree");
  return {};
}

}  // namespace isthmus::crypto
