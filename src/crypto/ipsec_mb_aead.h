// intel-ipsec-mb's ciphers behind the Aead interface.
#pragma once

#include <memory>

#include "crypto/aead.h"

namespace isthmus::crypto {

// `key` has key_size(cipher) octets. Null where the build lacks the library or the processor its
// instructions.
std::unique_ptr<Aead> make_ipsec_mb_aead(Cipher cipher, ConstBytes key);

}  // namespace isthmus::crypto
