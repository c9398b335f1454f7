// Appends fields in network order to a Bytes that the caller owns.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/check.h"

namespace isthmus {

class ByteWriter {
 public:
  // `out` must outlive the writer; what it already holds stays.
  explicit ByteWriter(Bytes& out) : out_(out) {}

  void u8(std::uint8_t value) { out_.push_back(value); }
  void u16(std::uint16_t value) { number(value, 2); }
  void u32(std::uint32_t value) { number(value, 4); }
  void u64(std::uint64_t value) { number(value, 8); }
  void raw(ConstBytes octets) { out_.insert(out_.end(), octets.begin(), octets.end()); }

  // Overwrites two octets written before, for lengths known only at the end. `offset` is into `out`.
  void patch_u16(std::size_t offset, std::uint16_t value) {
    CHECK(offset + 2 <= out_.size());
    out_[offset] = static_cast<std::uint8_t>(value >> 8);
    out_[offset + 1] = static_cast<std::uint8_t>(value);
  }

  [[nodiscard]] std::size_t size() const { return out_.size(); }

 private:
  void number(std::uint64_t value, int octets) {
    for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8)
      out_.push_back(static_cast<std::uint8_t>(value >> shift));
  }

  Bytes& out_;
};

}  // namespace isthmus
