#include "crypto/aead.h"

#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include <string>

#include "crypto/openssl_aead.h"

namespace isthmus::crypto {

Result<std::unique_ptr<Aead>> make_aead(Cipher cipher, ConstBytes key, Backend backend) {
  const std::size_t wanted = key_size(cipher);
  if (wanted == 0 || key.size() != wanted)
    return fail(Error::Code::kInvalid,
                "AEAD key: " + std::to_string(key.size()) + " octets instead of " + std::to_string(wanted));
  switch (backend) {
    case Backend::kBest:
    case Backend::kOpenSsl:
      return make_openssl_aead(cipher, key);
    case Backend::kIpsecMb:
      return fail(Error::Code::kUnsupported, "intel-ipsec-mb is not there");
  }
  return fail(Error::Code::kInvalid, "no such AEAD back end");
}

bool has_aes_instructions() {
#if defined(__x86_64__) || defined(__i386__)
  return __builtin_cpu_supports("aes") != 0 && __builtin_cpu_supports("pclmul") != 0;
#elif defined(__aarch64__)
  constexpr unsigned long kWanted = HWCAP_AES | HWCAP_PMULL;
  return (getauxval(AT_HWCAP) & kWanted) == kWanted;
#else
  return false;
#endif
}

}  // namespace isthmus::crypto
