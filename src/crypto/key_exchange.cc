#include "crypto/key_exchange.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <memory>
#include <utility>

#include "base/check.h"
#include "base/guard.h"

namespace isthmus::crypto {
namespace {

struct FreeOpenssl {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeOpenssl>;

Key library_key(const Secret<kX25519Size>& octets) {
  Key key{EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, octets.reveal().data(), kX25519Size)};
  CHECK(key != nullptr);
  return key;
}

PublicKey public_key_of(const Secret<kX25519Size>& private_key) {
  const Key key = library_key(private_key);
  PublicKey octets{};
  std::size_t size = octets.size();
  CHECK(EVP_PKEY_get_raw_public_key(key.get(), octets.data(), &size) == 1 && size == octets.size());
  return octets;
}

}  // namespace

KeyPair KeyPair::generate(RandomSource& random) {
  Secret<kX25519Size> private_key;
  random.fill(private_key.writable());
  return KeyPair{std::move(private_key)};
}

KeyPair::KeyPair(Secret<kX25519Size> private_key)
    : private_key_(std::move(private_key)), public_key_(public_key_of(private_key_)) {}

Result<Secret<kX25519Size>> KeyPair::shared_secret(const PublicKey& peer) const {
  const Key ours = library_key(private_key_);
  const Key theirs{EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, peer.data(), peer.size())};
  const std::unique_ptr<EVP_PKEY_CTX, FreeOpenssl> context{EVP_PKEY_CTX_new(ours.get(), nullptr)};
  CHECK(theirs != nullptr && context != nullptr && EVP_PKEY_derive_init(context.get()) == 1);
  CHECK(EVP_PKEY_derive_set_peer(context.get(), theirs.get()) == 1);

  Secret<kX25519Size> secret;
  std::size_t size = kX25519Size;
  const int status = EVP_PKEY_derive(context.get(), secret.writable().data(), &size);
  // The library looks for the zero octets itself. We look too, as another one need not; at all of them, as
  // the time it takes must not depend on the secret.
  std::uint8_t any = 0;
  for (const std::uint8_t octet : secret.reveal()) any |= octet;
  if (guard<Guard::kSharedSecret>(status == 1 && size == kX25519Size && any != 0)) return secret;
  ERR_clear_error();
  return fail(Error::Code::kProtocol, "key exchange: the peer's X25519 value gives no shared secret");
}

}  // namespace isthmus::crypto
