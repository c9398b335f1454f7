#include "io/cpu_features.h"

#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace isthmus::io {

bool has_aes_gcm_instructions() {
#if defined(__x86_64__) || defined(__i386__)
  return __builtin_cpu_supports("aes") != 0 && __builtin_cpu_supports("pclmul") != 0;
#elif defined(__aarch64__)
  constexpr unsigned long kWanted = HWCAP_AES | HWCAP_PMULL;
  return (getauxval(AT_HWCAP) & kWanted) == kWanted;
#else
  return false;
#endif
}

}  // namespace isthmus::io
