#include "crypto/aead.h"

#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>
#include <string>

#include "base/check.h"
#include "crypto/ipsec_mb_aead.h"
#include "crypto/openssl_aead.h"

namespace isthmus::crypto {
namespace {

// Octets whose place is used for others; the destructor puts them back.
class Lent {
 public:
  explicit Lent(MutableBytes place) : place_(place) { std::memcpy(kept_.data(), place.data(), place.size()); }
  ~Lent() { std::memcpy(place_.data(), kept_.data(), place_.size()); }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;

 private:
  MutableBytes place_;
  std::array<std::uint8_t, kMaxTailSize> kept_;  // left as it comes but for what is kept
};

}  // namespace

void Aead::seal(const Nonce& nonce, ConstBytes aad, MutableBytes room, ConstBytes tail, MutableBytes out) {
  CHECK(tail.size() <= kMaxTailSize && tail.size() <= room.size());
  CHECK(out.size() == room.size() + kIcvSize && out.size() <= INT_MAX);
  const MutableBytes place = room.last(tail.size());
  if (tail.empty() || tail.data() == place.data()) return encrypt(nonce, aad, room, out);
  if (out.data() == room.data()) {
    std::ranges::copy(tail, place.begin());
    return encrypt(nonce, aad, room, out);
  }
  const Lent lent{place};
  std::ranges::copy(tail, place.begin());
  encrypt(nonce, aad, room, out);
}

bool Aead::open(const Nonce& nonce, ConstBytes aad, ConstBytes sealed, MutableBytes out) {
  const bool is_long_enough = sealed.size() >= kIcvSize;
  CHECK(!is_long_enough || (out.size() == sealed.size() - kIcvSize && sealed.size() <= INT_MAX));
  if (is_long_enough && decrypt(nonce, aad, sealed, out)) return true;
  std::ranges::fill(out, std::uint8_t{0});
  return false;
}

Result<std::unique_ptr<Aead>> make_aead(Cipher cipher, ConstBytes key, Backend backend) {
  const std::size_t wanted = key_size(cipher);
  if (wanted == 0 || key.size() != wanted)
    return fail(Error::Code::kInvalid,
                "AEAD key: " + std::to_string(key.size()) + " octets instead of " + std::to_string(wanted));
  if (backend == Backend::kOpenSsl) return make_openssl_aead(cipher, key);
  if (std::unique_ptr<Aead> aead = make_ipsec_mb_aead(cipher, key)) return aead;
  if (backend == Backend::kBest) return make_openssl_aead(cipher, key);
  return fail(Error::Code::kUnsupported,
              "AEAD back end intel-ipsec-mb: not in this build, or not for this processor");
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
