// The ciphers as people write them.
#pragma once

#include <optional>
#include <string_view>

#include "crypto/aead.h"

namespace isthmus::crypto {

constexpr std::string_view name_of(Cipher cipher) {
  switch (cipher) {
    case Cipher::kAes128Gcm:
      return "aes128-gcm";
    case Cipher::kAes256Gcm:
      return "aes256-gcm";
    case Cipher::kChaCha20Poly1305:
      return "chacha20-poly1305";
  }
  return "";
}

// Empty for another word.
constexpr std::optional<Cipher> parse_cipher(std::string_view name) {
  for (const Cipher cipher : {Cipher::kAes128Gcm, Cipher::kAes256Gcm, Cipher::kChaCha20Poly1305}) {
    if (name_of(cipher) == name) return cipher;
  }
  return std::nullopt;
}

}  // namespace isthmus::crypto
