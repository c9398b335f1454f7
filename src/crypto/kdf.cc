#include "crypto/kdf.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <memory>
#include <string_view>

#include "base/check.h"

namespace isthmus::crypto {
namespace {

struct FreeOpenssl {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};

// The library's parameters are not const, though it only reads these.
OSSL_PARAM octets_parameter(const char* name, ConstBytes octets) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(octets.data()), octets.size());
}

// `other` is the salt of an extraction and the info of an expansion.
void derive(int mode, ConstBytes key, const char* other_name, ConstBytes other, MutableBytes out) {
  const std::unique_ptr<EVP_KDF, FreeOpenssl> kdf{EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_HKDF, nullptr)};
  CHECK(kdf != nullptr);
  const std::unique_ptr<EVP_KDF_CTX, FreeOpenssl> context{EVP_KDF_CTX_new(kdf.get())};
  CHECK(context != nullptr);
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      octets_parameter(OSSL_KDF_PARAM_KEY, key),
      octets_parameter(other_name, other),
      OSSL_PARAM_construct_end(),
  };
  CHECK(EVP_KDF_derive(context.get(), out.data(), out.size(), parameters) == 1);
}

}  // namespace

Sha256 sha256(std::initializer_list<ConstBytes> pieces) {
  const std::unique_ptr<EVP_MD_CTX, FreeOpenssl> context{EVP_MD_CTX_new()};
  CHECK(context != nullptr && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1);
  for (const ConstBytes piece : pieces)
    CHECK(EVP_DigestUpdate(context.get(), piece.data(), piece.size()) == 1);
  Sha256 digest{};
  CHECK(EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1);
  return digest;
}

Secret<kSha256Size> hkdf_extract(ConstBytes salt, ConstBytes input_keying_material) {
  CHECK(!input_keying_material.empty());
  // OpenSSL 3.0 refuses an empty salt; this is the one that the RFC takes for it.
  constexpr Sha256 kNoSalt{};
  Secret<kSha256Size> pseudorandom_key;
  derive(EVP_KDF_HKDF_MODE_EXTRACT_ONLY, input_keying_material, OSSL_KDF_PARAM_SALT,
         salt.empty() ? ConstBytes{kNoSalt} : salt, pseudorandom_key.writable());
  return pseudorandom_key;
}

void hkdf_expand(const Secret<kSha256Size>& pseudorandom_key, ConstBytes info, MutableBytes out) {
  CHECK(!out.empty() && out.size() <= kMaxHkdfOutput && info.size() <= kMaxHkdfInfo);
  derive(EVP_KDF_HKDF_MODE_EXPAND_ONLY, pseudorandom_key.reveal(), OSSL_KDF_PARAM_INFO, info, out);
}

}  // namespace isthmus::crypto
