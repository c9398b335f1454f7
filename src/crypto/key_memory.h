// Where keys lie: one arena of locked pages between guard pages, which neither swap nor a dump gets
// (OpenSSL's secure heap, in which it puts its own private keys too). What is taken of it is wiped when it is
// given back.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

#include "base/result.h"

namespace isthmus::crypto {

// 512 schedules of 2 KiB; a session has 48 at most.
inline constexpr std::size_t kKeyMemorySize = std::size_t{1} << 20;

// Once in a process, before its first key and while it may lock memory. Without it, and when the arena is
// full, our keys lie in ordinary memory, and are wiped all the same; OpenSSL's own want room in it. kSystem:
// there is no arena, or its pages could not be locked or kept out of dumps.
Result<void> open_key_memory();

// All zero. Where there is no memory at all, std::bad_alloc.
void* take_key_memory(std::size_t size, std::size_t alignment);
void give_back_key_memory(void* memory, std::size_t size, std::size_t alignment);

template <typename T>
struct GiveBackKeyMemory {
  void operator()(T* object) const { give_back_key_memory(object, sizeof(T), alignof(T)); }
};

template <typename T>
using InKeyMemory = std::unique_ptr<T, GiveBackKeyMemory<T>>;

template <typename T>
InKeyMemory<T> make_in_key_memory() {
  static_assert(std::is_trivially_copyable_v<T>, "it is wiped, not destroyed");
  return InKeyMemory<T>{::new (take_key_memory(sizeof(T), alignof(T))) T{}};
}

}  // namespace isthmus::crypto
