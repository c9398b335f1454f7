// A published vector, and whether an Aead agrees with it: what self_test() asks of each.
#pragma once

#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/aead.h"

namespace isthmus::crypto {

// Hexadecimal digits, but for the cipher and what it is called in a complaint.
struct KnownAnswer {
  Cipher cipher = Cipher::kAes128Gcm;
  std::string_view name;
  std::string_view key;
  std::string_view nonce;
  std::string_view aad;
  std::string_view text;
  std::string_view sealed;
};

// One a cipher.
std::span<const KnownAnswer> known_answers();

// Octets of an even number of hexadecimal digits.
Bytes octets_of_hex(std::string_view hex);

// `aead` has the answer's key. kUnsupported: it seals otherwise, does not open what is genuine, or opens it
// with one bit of its ICV flipped.
Result<void> check_known_answer(Aead& aead, const KnownAnswer& answer);

// Two of the same key seal a packet alike that is long enough for their widest loops, and open it.
Result<void> check_agreement(Aead& one, Aead& other, std::string_view name);

}  // namespace isthmus::crypto
