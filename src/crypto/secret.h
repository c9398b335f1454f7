// Key material: octets in memory that is kept for keys, wiped when their owner goes, and that nothing copies
// or prints by accident.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "crypto/key_memory.h"

namespace isthmus::crypto {

// N octets, all zero at first. Moving takes them from the source, which has none then; there is no copy, no
// comparison and no text of it.
template <std::size_t N>
class Secret {
 public:
  // Both are valid until the Secret is destroyed or another is moved into it.
  MutableBytes writable() { return octets_ ? MutableBytes{*octets_} : MutableBytes{}; }
  [[nodiscard]] ConstBytes reveal() const { return octets_ ? ConstBytes{*octets_} : ConstBytes{}; }

 private:
  InKeyMemory<std::array<std::uint8_t, N>> octets_ = make_in_key_memory<std::array<std::uint8_t, N>>();
};

}  // namespace isthmus::crypto
