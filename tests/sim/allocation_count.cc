#include "allocation_count.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

// Of all threads.
std::atomic<std::uint64_t> allocations = 0;

}  // namespace

namespace isthmus {

std::uint64_t allocation_count() {
  return allocations.load();
}

}  // namespace isthmus

// The other forms of the standard library, but those for over-aligned types, come down to these.
void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc{};
}
void* operator new[](std::size_t size) {
  return operator new(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
