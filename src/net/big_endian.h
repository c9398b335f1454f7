// Numbers in network byte order, at places whose bounds the caller has checked.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace isthmus {

inline std::uint16_t load_u16(ConstBytes octets, std::size_t at) {
  return static_cast<std::uint16_t>(octets[at] << 8 | octets[at + 1]);
}

inline std::uint32_t load_u32(ConstBytes octets, std::size_t at) {
  return std::uint32_t{load_u16(octets, at)} << 16 | load_u16(octets, at + 2);
}

inline std::uint64_t load_u64(ConstBytes octets, std::size_t at) {
  return std::uint64_t{load_u32(octets, at)} << 32 | load_u32(octets, at + 4);
}

inline void store_u16(MutableBytes octets, std::size_t at, std::uint16_t value) {
  octets[at] = static_cast<std::uint8_t>(value >> 8);
  octets[at + 1] = static_cast<std::uint8_t>(value);
}

inline void store_u32(MutableBytes octets, std::size_t at, std::uint32_t value) {
  store_u16(octets, at, static_cast<std::uint16_t>(value >> 16));
  store_u16(octets, at + 2, static_cast<std::uint16_t>(value));
}

inline void store_u64(MutableBytes octets, std::size_t at, std::uint64_t value) {
  store_u32(octets, at, static_cast<std::uint32_t>(value >> 32));
  store_u32(octets, at + 4, static_cast<std::uint32_t>(value));
}

}  // namespace isthmus
