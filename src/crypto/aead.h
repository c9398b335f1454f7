// Authenticated encryption with associated data, as ESP wants it: RFC 4106 and RFC 7634, a 16-octet ICV.
// docs/design/crypto.md tells of the two libraries behind it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"

namespace isthmus::crypto {

enum class Cipher : std::uint8_t { kAes128Gcm = 1, kAes256Gcm = 2, kChaCha20Poly1305 = 3 };

inline constexpr std::size_t kIcvSize = 16;
inline constexpr std::size_t kIvSize = 8;
inline constexpr std::size_t kSaltSize = 4;
inline constexpr std::size_t kNonceSize = kSaltSize + kIvSize;
inline constexpr std::size_t kMaxKeySize = 32;

// Octets of key, without the salt.
constexpr std::size_t key_size(Cipher cipher) {
  switch (cipher) {
    case Cipher::kAes128Gcm:
      return 16;
    case Cipher::kAes256Gcm:
    case Cipher::kChaCha20Poly1305:
      return 32;
  }
  return 0;
}

// The salt of the SA, then the IV of the packet (RFC 4106 section 4, RFC 7634 section 2). Never used twice to
// seal under one key.
using Nonce = std::array<std::uint8_t, kNonceSize>;

// What seal() takes as a tail at most: an ESP trailer with all the padding it can have (RFC 4303
// section 2.4).
inline constexpr std::size_t kMaxTailSize = 255 + 2;

// One key. Used by one thread at a time; several objects by several threads at once. The key and what was
// made of it are wiped when the object goes. Allocates nothing after it was made.
class Aead {
 public:
  Aead() = default;
  virtual ~Aead() = default;
  Aead(const Aead&) = delete;
  Aead& operator=(const Aead&) = delete;

  // Encrypts the text and then `tail` (the ESP trailer) into `out` and puts the ICV behind. `room` is the
  // text and behind it tail.size() octets that are lent: the tail stands there during the call, afterwards
  // they are as they were. So a segment is sealed where it lies amid others, and in one piece, which is the
  // quickest. `out` has exactly room.size() + kIcvSize octets. It may begin where `room` begins, and then
  // nothing is given back; else it overlaps none of the others. `tail` may lie in its place already, at the
  // end of `room`.
  void seal(const Nonce& nonce, ConstBytes aad, MutableBytes room, ConstBytes tail, MutableBytes out);

  // Decrypts `sealed`, which ends with the ICV, into `out` of sealed.size() - kIcvSize octets. `out` may
  // begin where `sealed` begins; else it overlaps none of the others. False: not authentic, or shorter than
  // an ICV; `out` is all zero then.
  [[nodiscard]] bool open(const Nonce& nonce, ConstBytes aad, ConstBytes sealed, MutableBytes out);

 private:
  // Sizes and places are as promised above; decrypt() may leave anything in `out` when it says false.
  virtual void encrypt(const Nonce& nonce, ConstBytes aad, ConstBytes text, MutableBytes out) = 0;
  [[nodiscard]] virtual bool decrypt(const Nonce& nonce, ConstBytes aad, ConstBytes sealed,
                                     MutableBytes out) = 0;
};

enum class Backend : std::uint8_t {
  kBest,     // the quickest that this build and this processor have
  kOpenSsl,  // everywhere
  kIpsecMb,  // intel-ipsec-mb, on x86-64 with AES instructions, where the build found it
};

// `key` is copied. kInvalid: not key_size(cipher) octets; kUnsupported: this build or processor lacks the
// back end.
Result<std::unique_ptr<Aead>> make_aead(Cipher cipher, ConstBytes key, Backend backend = Backend::kBest);

// Each cipher with each back end that is there: a published vector is sealed and opened, and with one bit of
// the ICV flipped refused, the output left zero. kUnsupported and the name of what failed, if anything did:
// then no key of it may be used.
Result<void> self_test();

// Whether the processor has instructions for AES and for the multiplication of GCM: without them
// ChaCha20-Poly1305 is the quicker and the safer one.
bool has_aes_instructions();

}  // namespace isthmus::crypto
