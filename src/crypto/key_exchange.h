// X25519 (RFC 7748): one ephemeral key pair, one shared secret.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/random_source.h"
#include "base/result.h"
#include "crypto/secret.h"

namespace isthmus::crypto {

inline constexpr std::size_t kX25519Size = 32;
using PublicKey = std::array<std::uint8_t, kX25519Size>;

class KeyPair {
 public:
  // 32 octets are taken from `random`, which for a live session must be the system's.
  static KeyPair generate(RandomSource& random);
  explicit KeyPair(Secret<kX25519Size> private_key);

  [[nodiscard]] const PublicKey& public_key() const { return public_key_; }

  // kProtocol: the peer's value yields nothing but zero octets, whatever our key (RFC 7748 section 6.1).
  [[nodiscard]] Result<Secret<kX25519Size>> shared_secret(const PublicKey& peer) const;

 private:
  Secret<kX25519Size> private_key_;
  PublicKey public_key_;
};

}  // namespace isthmus::crypto
