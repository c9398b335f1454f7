// Reads a peer's octets in network order. A read past the end fails sticky: read every field, then ask ok()
// once.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace isthmus {

class ByteReader {
 public:
  // `octets` must outlive the reader and every view taken from it.
  explicit ByteReader(ConstBytes octets) : rest_(octets) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }

  // The next `count` octets, or an empty view after a failure.
  ConstBytes take(std::size_t count) {
    if (!ok_ || count > rest_.size()) {
      ok_ = false;
      return {};
    }
    const ConstBytes taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

  // Everything not yet read.
  ConstBytes take_rest() { return take(remaining()); }

  [[nodiscard]] std::size_t remaining() const { return ok_ ? rest_.size() : 0; }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  std::uint64_t number(std::size_t octets) {
    std::uint64_t value = 0;
    for (const std::uint8_t octet : take(octets)) value = (value << 8) | octet;
    return value;
  }

  ConstBytes rest_;
  bool ok_ = true;
};

}  // namespace isthmus
