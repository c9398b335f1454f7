#include "crypto/ipsec_mb_aead.h"

#if defined(ISTHMUS_IPSEC_MB)

#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "crypto/key_memory.h"

namespace isthmus::crypto {
namespace {

// The library's functions for this processor. They keep no state of their own: what the manager that names
// them is made for, jobs in several lanes, is slower for packets one by one.
struct GcmCalls {
  aes_gcm_pre_t expand_key;
  aes_gcm_enc_dec_t encrypt;
  aes_gcm_enc_dec_t decrypt;
};

struct ChaChaCalls {
  chacha_poly_init_t begin;
  chacha_poly_enc_dec_update_t encrypt;
  chacha_poly_enc_dec_update_t decrypt;
  chacha_poly_finalize_t finish;
};

struct Calls {
  GcmCalls aes128_gcm;
  GcmCalls aes256_gcm;
  ChaChaCalls chacha20_poly1305;
};

// Nothing where the library would emulate the instructions, or where its own test of itself failed.
std::optional<Calls> find_calls() {
  if (!has_aes_instructions()) return std::nullopt;
  const std::unique_ptr<IMB_MGR, decltype(&free_mb_mgr)> manager{alloc_mb_mgr(0), &free_mb_mgr};
  if (manager == nullptr) return std::nullopt;
  init_mb_mgr_auto(manager.get(), nullptr);
  constexpr std::uint64_t kWanted = IMB_CPUFLAGS_SSE | IMB_FEATURE_SELF_TEST_PASS;
  if (imb_get_errno(manager.get()) != 0 || (manager->features & kWanted) != kWanted) return std::nullopt;
  const IMB_MGR& m = *manager;
  return Calls{
      .aes128_gcm = {m.gcm128_pre, m.gcm128_enc, m.gcm128_dec},
      .aes256_gcm = {m.gcm256_pre, m.gcm256_enc, m.gcm256_dec},
      .chacha20_poly1305 = {m.chacha20_poly1305_init, m.chacha20_poly1305_enc_update,
                            m.chacha20_poly1305_dec_update, m.chacha20_poly1305_finalize},
  };
}

// Found once: making a manager and its self-test take two milliseconds.
const std::optional<Calls>& calls() {
  static const std::optional<Calls> kCalls = find_calls();
  return kCalls;
}

using Icv = std::array<std::uint8_t, kIcvSize>;

bool is_icv(ConstBytes sealed, const Icv& computed) {
  return CRYPTO_memcmp(sealed.last(kIcvSize).data(), computed.data(), kIcvSize) == 0;
}

class GcmAead final : public Aead {
 public:
  GcmAead(const GcmCalls& calls, ConstBytes key) : calls_(calls) {
    calls_.expand_key(key.data(), &keyed_->key);
  }

 private:
  struct Keyed {
    alignas(64) gcm_key_data key;  // 64: the library loads it with aligned instructions
    alignas(64) gcm_context_data context;
  };

  void encrypt(const Nonce& nonce, ConstBytes aad, ConstBytes text, MutableBytes out) override {
    calls_.encrypt(&keyed_->key, &keyed_->context, out.data(), text.data(), text.size(), nonce.data(),
                   aad.data(), aad.size(), out.last(kIcvSize).data(), kIcvSize);
  }

  bool decrypt(const Nonce& nonce, ConstBytes aad, ConstBytes sealed, MutableBytes out) override {
    Icv computed{};
    calls_.decrypt(&keyed_->key, &keyed_->context, out.data(), sealed.data(), out.size(), nonce.data(),
                   aad.data(), aad.size(), computed.data(), kIcvSize);
    return is_icv(sealed, computed);
  }

  const GcmCalls calls_;
  const InKeyMemory<Keyed> keyed_ = make_in_key_memory<Keyed>();
};

class ChaChaAead final : public Aead {
 public:
  ChaChaAead(const ChaChaCalls& calls, ConstBytes key) : calls_(calls) {
    std::ranges::copy(key, keyed_->key.begin());
  }

 private:
  struct Keyed {
    std::array<std::uint8_t, kMaxKeySize> key;
    alignas(64) chacha20_poly1305_context_data context;
  };

  void encrypt(const Nonce& nonce, ConstBytes aad, ConstBytes text, MutableBytes out) override {
    const std::uint8_t* const key = keyed_->key.data();
    calls_.begin(key, &keyed_->context, nonce.data(), aad.data(), aad.size());
    calls_.encrypt(key, &keyed_->context, out.data(), text.data(), text.size());
    calls_.finish(&keyed_->context, out.last(kIcvSize).data(), kIcvSize);
  }

  bool decrypt(const Nonce& nonce, ConstBytes aad, ConstBytes sealed, MutableBytes out) override {
    const std::uint8_t* const key = keyed_->key.data();
    Icv computed{};
    calls_.begin(key, &keyed_->context, nonce.data(), aad.data(), aad.size());
    calls_.decrypt(key, &keyed_->context, out.data(), sealed.data(), out.size());
    calls_.finish(&keyed_->context, computed.data(), kIcvSize);
    return is_icv(sealed, computed);
  }

  const ChaChaCalls calls_;
  const InKeyMemory<Keyed> keyed_ = make_in_key_memory<Keyed>();
};

}  // namespace

std::unique_ptr<Aead> make_ipsec_mb_aead(Cipher cipher, ConstBytes key) {
  const std::optional<Calls>& found = calls();
  if (!found) return nullptr;
  switch (cipher) {
    case Cipher::kAes128Gcm:
      return std::make_unique<GcmAead>(found->aes128_gcm, key);
    case Cipher::kAes256Gcm:
      return std::make_unique<GcmAead>(found->aes256_gcm, key);
    case Cipher::kChaCha20Poly1305:
      return std::make_unique<ChaChaAead>(found->chacha20_poly1305, key);
  }
  return nullptr;
}

}  // namespace isthmus::crypto

#else

namespace isthmus::crypto {

std::unique_ptr<Aead> make_ipsec_mb_aead(Cipher, ConstBytes) {
  return nullptr;
}

}  // namespace isthmus::crypto

#endif
