// SHA-256 and HKDF with it (RFC 5869).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "base/bytes.h"
#include "crypto/secret.h"

namespace isthmus::crypto {

inline constexpr std::size_t kSha256Size = 32;
using Sha256 = std::array<std::uint8_t, kSha256Size>;

// Of the pieces one behind the other.
Sha256 sha256(std::initializer_list<ConstBytes> pieces);

// RFC 5869 section 2.2. An empty salt counts as 32 zero octets; of the other there is at least one octet.
Secret<kSha256Size> hkdf_extract(ConstBytes salt, ConstBytes input_keying_material);

// The most that one expansion can give (RFC 5869 section 2.3).
inline constexpr std::size_t kMaxHkdfOutput = 255 * kSha256Size;
// Longer ones are hashed first.
inline constexpr std::size_t kMaxHkdfInfo = 1024;

// RFC 5869 section 2.3: fills `out`, which has from 1 to kMaxHkdfOutput octets.
void hkdf_expand(const Secret<kSha256Size>& pseudorandom_key, ConstBytes info, MutableBytes out);

}  // namespace isthmus::crypto
