#include "crypto/openssl_aead.h"

#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>

#include "base/check.h"

namespace isthmus::crypto {
namespace {

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

const EVP_CIPHER* evp_cipher(Cipher cipher) {
  switch (cipher) {
    case Cipher::kAes128Gcm:
      return EVP_aes_128_gcm();
    case Cipher::kAes256Gcm:
      return EVP_aes_256_gcm();
    case Cipher::kChaCha20Poly1305:
      return EVP_chacha20_poly1305();
  }
  return nullptr;
}

// The calls below fail only if memory is short or we use them wrongly: what a peer sent decides the last one
// of open() alone, and that one is not checked.
class OpensslAead final : public Aead {
 public:
  OpensslAead(Cipher cipher, ConstBytes key) : context_(EVP_CIPHER_CTX_new()) {
    CHECK(context_ != nullptr);
    CHECK(EVP_CipherInit_ex(context_.get(), evp_cipher(cipher), nullptr, key.data(), nullptr, 1) == 1);
    CHECK(EVP_CIPHER_CTX_get_iv_length(context_.get()) == static_cast<int>(kNonceSize));
  }

 private:
  enum class Direction : std::uint8_t { kOpen = 0, kSeal = 1 };

  void encrypt(const Nonce& nonce, ConstBytes aad, ConstBytes text, MutableBytes out) override {
    start(nonce, aad, Direction::kSeal);
    update(text, out.first(text.size()));
    int written = 0;
    CHECK(EVP_EncryptFinal_ex(context_.get(), nullptr, &written) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, kIcvSize, out.last(kIcvSize).data()) ==
          1);
  }

  bool decrypt(const Nonce& nonce, ConstBytes aad, ConstBytes sealed, MutableBytes out) override {
    start(nonce, aad, Direction::kOpen);
    // The library's interface is not const, though it only copies the ICV.
    auto* const icv = const_cast<std::uint8_t*>(sealed.last(kIcvSize).data());
    CHECK(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, kIcvSize, icv) == 1);
    update(sealed.first(out.size()), out);
    int written = 0;
    return EVP_DecryptFinal_ex(context_.get(), nullptr, &written) == 1;
  }

  // The key schedule stays in the context: only the nonce is new.
  void start(const Nonce& nonce, ConstBytes aad, Direction direction) {
    CHECK(EVP_CipherInit_ex(context_.get(), nullptr, nullptr, nullptr, nonce.data(),
                            static_cast<int>(direction)) == 1);
    int written = 0;
    if (aad.empty()) return;
    CHECK(EVP_CipherUpdate(context_.get(), nullptr, &written, aad.data(), static_cast<int>(aad.size())) == 1);
  }

  void update(ConstBytes in, MutableBytes out) {
    if (in.empty()) return;
    int written = 0;
    CHECK(EVP_CipherUpdate(context_.get(), out.data(), &written, in.data(), static_cast<int>(in.size())) ==
          1);
    CHECK(static_cast<std::size_t>(written) == in.size());
  }

  // Freeing it wipes the key schedule in it.
  std::unique_ptr<EVP_CIPHER_CTX, FreeContext> context_;
};

}  // namespace

std::unique_ptr<Aead> make_openssl_aead(Cipher cipher, ConstBytes key) {
  return std::make_unique<OpensslAead>(cipher, key);
}

}  // namespace isthmus::crypto
