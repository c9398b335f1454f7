#include "crypto/key_memory.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>

#include "base/check.h"

namespace isthmus::crypto {
namespace {

// The least that is handed out; a power of two, as the arena's size.
constexpr std::size_t kSmallest = 32;

// Allocators want a power of two that pointers have too.
std::align_val_t ordinary(std::size_t alignment) {
  return std::align_val_t{std::max(alignment, alignof(void*))};
}

bool is_aligned(const void* memory, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(memory) % alignment == 0;
}

}  // namespace

Result<void> open_key_memory() {
  switch (CRYPTO_secure_malloc_init(kKeyMemorySize, kSmallest)) {
    case 1:
      return {};
    case 0:
      return fail(Error::Code::kSystem, "no memory could be set apart for keys");
    default:
      return fail(Error::Code::kSystem,
                  "the memory for keys could not be locked (RLIMIT_MEMLOCK): they may get into swap");
  }
}

void* take_key_memory(std::size_t size, std::size_t alignment) {
  // Blocks of it are powers of two and lie at multiples of themselves.
  void* const locked = CRYPTO_secure_malloc_initialized() == 1 ? OPENSSL_secure_zalloc(size) : nullptr;
  if (locked != nullptr) CHECK(is_aligned(locked, alignment));
  if (locked != nullptr) return locked;
  return std::memset(::operator new(size, ordinary(alignment)), 0, size);
}

void give_back_key_memory(void* memory, std::size_t size, std::size_t alignment) {
  if (CRYPTO_secure_allocated(memory) == 1) return OPENSSL_secure_clear_free(memory, size);
  OPENSSL_cleanse(memory, size);
  ::operator delete(memory, ordinary(alignment));
}

}  // namespace isthmus::crypto
