// What a user may choose of the datagrams, in words, for the command line and the files alike.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/aead.h"
#include "session/path_options.h"
#include "session/soft_limits.h"

namespace isthmus::config {

// "auto", "stream" or "datagram"; kInvalid for another word.
Result<session::PathMode> parse_path_mode(std::string_view word);
// "aes128-gcm", "aes256-gcm" or "chacha20-poly1305"; kInvalid for another word.
Result<crypto::Cipher> parse_cipher(std::string_view word);
// "N" packets of an SA or "Ns" seconds, each from 1 to what it is by itself; kInvalid for anything else, a
// higher limit too.
Result<void> lower_limits(session::SoftLimits& limits, std::string_view word);

// Where nothing is said. The exchange of keys puts ChaCha20 first where AES is slow.
inline const std::vector<crypto::Cipher> kDefaultCiphers = {
    crypto::Cipher::kAes128Gcm, crypto::Cipher::kAes256Gcm, crypto::Cipher::kChaCha20Poly1305};

}  // namespace isthmus::config
