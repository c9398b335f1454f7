// OpenSSL's ciphers behind the Aead interface.
#pragma once

#include <memory>

#include "crypto/aead.h"

namespace isthmus::crypto {

// `key` has key_size(cipher) octets.
std::unique_ptr<Aead> make_openssl_aead(Cipher cipher, ConstBytes key);

}  // namespace isthmus::crypto
