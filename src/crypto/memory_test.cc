// What becomes of memory that held keys: every allocation of this program, ours and OpenSSL's, is counted,
// and looked through for a key before it is given back.
#include <gtest/gtest.h>
#include <malloc.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "base/check.h"
#include "base/seeded_random.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"
#include "crypto/key_exchange.h"

namespace {

struct Watch {
  isthmus::ConstBytes secret;  // looked for in what is given back, unless it is empty
  int leaks = 0;
  int frees = 0;
  int allocations = 0;
};
Watch watch;  // NOLINT: the hooks of an allocator have no other place

void* allocated(void* memory) {
  ++watch.allocations;
  return memory;
}

// `memory` may be null.
void look_through(const void* memory) {
  if (memory == nullptr || watch.secret.empty()) return;
  ++watch.frees;
  const std::size_t size = malloc_usable_size(const_cast<void*>(memory));
  if (memmem(memory, size, watch.secret.data(), watch.secret.size()) != nullptr) ++watch.leaks;
}

void* openssl_malloc(std::size_t size, const char*, int) {
  return allocated(std::malloc(size));
}
void openssl_free(void* memory, const char*, int) {
  look_through(memory);
  std::free(memory);
}
// Moves always, so that no block that grew is left unseen.
void* openssl_realloc(void* memory, std::size_t size, const char* file, int line) {
  void* const moved = std::malloc(size);
  CHECK(moved != nullptr);
  ++watch.allocations;
  if (memory != nullptr) std::memcpy(moved, memory, std::min(size, malloc_usable_size(memory)));
  openssl_free(memory, file, line);
  return moved;
}

// OpenSSL takes other functions only before it has allocated anything.
const bool kIsWatched = CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) == 1;

}  // namespace

void* operator new(std::size_t size) {
  void* const memory = allocated(std::malloc(size));
  CHECK(memory != nullptr);
  return memory;
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  void* memory = nullptr;
  CHECK(posix_memalign(&memory, static_cast<std::size_t>(alignment), size) == 0);
  return allocated(memory);
}
void operator delete(void* memory) noexcept {
  look_through(memory);
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  operator delete(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  operator delete(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  operator delete(memory);
}

namespace isthmus::crypto {
namespace {

constexpr std::array kCiphers{Cipher::kAes128Gcm, Cipher::kAes256Gcm, Cipher::kChaCha20Poly1305};
constexpr std::array kBackends{Backend::kOpenSsl, Backend::kIpsecMb};

class Memory : public testing::Test {
 protected:
  Memory() {
    random_.fill(key_);
    watch = {};
  }
  ~Memory() override { watch = {}; }

  SeededRandom random_{1};
  Bytes key_ = Bytes(kMaxKeySize);
};

TEST_F(Memory, IsWatched) {
  EXPECT_TRUE(kIsWatched);
  watch.secret = key_;
  {
    const Bytes copy = key_;
  }
  EXPECT_EQ(watch.leaks, 1);
}

// The first 16 octets of an AES-256 schedule are half of the key; a search for 16 finds all of these.
TEST_F(Memory, HoldsNoKeyOfAnAeadThatIsGone) {
  for (const Cipher cipher : kCiphers)
    for (const Backend backend : kBackends) {
      watch.secret = ConstBytes{key_}.first(16);
      Result<std::unique_ptr<Aead>> aead =
          make_aead(cipher, ConstBytes{key_}.first(key_size(cipher)), backend);
      if (!aead) continue;
      Bytes room(1400);
      Bytes sealed(room.size() + kIcvSize);
      (*aead)->seal({}, {}, room, {}, sealed);
      ASSERT_TRUE((*aead)->open({}, {}, sealed, room));
      watch.frees = 0;
      aead->reset();
      EXPECT_GT(watch.frees, 0);
      EXPECT_EQ(watch.leaks, 0) << static_cast<int>(cipher) << " of " << static_cast<int>(backend);
      watch.leaks = 0;
    }
}

TEST_F(Memory, HoldsNoPrivateKeyOfAPairThatIsGone) {
  watch.secret = key_;
  {
    Secret<kX25519Size> secret;
    std::ranges::copy(key_, secret.writable().begin());
    auto pair = std::make_unique<KeyPair>(std::move(secret));
    ASSERT_TRUE(pair->shared_secret(pair->public_key()));
  }
  EXPECT_GT(watch.frees, 0);
  EXPECT_EQ(watch.leaks, 0);
}

TEST_F(Memory, HoldsNoKeyingMaterialOfADerivation) {
  watch.secret = key_;
  Secret<kSha256Size> secret = hkdf_extract({}, key_);
  std::ranges::copy(key_, secret.writable().begin());
  Bytes out(64);
  hkdf_expand(secret, {}, out);
  EXPECT_GT(watch.frees, 0);
  EXPECT_EQ(watch.leaks, 0);
}

TEST_F(Memory, IsNotAllocatedForAPacket) {
  for (const Cipher cipher : kCiphers)
    for (const Backend backend : kBackends) {
      const Result<std::unique_ptr<Aead>> aead =
          make_aead(cipher, ConstBytes{key_}.first(key_size(cipher)), backend);
      if (!aead) continue;
      Bytes room(1400);
      Bytes sealed(room.size() + kIcvSize);
      Bytes forged(room.size() + kIcvSize);
      (void)(*aead)->open({}, {}, forged, room);
      watch.allocations = 0;
      for (int i = 0; i < 100; ++i) {
        (*aead)->seal({}, {}, room, {}, sealed);
        (void)(*aead)->open({}, {}, sealed, room);
        (void)(*aead)->open({}, {}, forged, room);
      }
      EXPECT_EQ(watch.allocations, 0) << static_cast<int>(cipher) << " of " << static_cast<int>(backend);
    }
}

}  // namespace
}  // namespace isthmus::crypto
