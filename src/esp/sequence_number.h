// The number of a packet on its SA (RFC 4303 section 2.2), always in 64 bits here. Without ESN the upper 32
// are zero; with ESN they are counted at both ends and only the lower 32 are sent (section 2.2.1).
#pragma once

#include <compare>
#include <cstdint>

namespace isthmus::esp {

class SequenceNumber {
 public:
  // "Nothing yet": the first packet of an SA has number 1 (RFC 4303 section 3.3.3).
  constexpr SequenceNumber() = default;
  constexpr explicit SequenceNumber(std::uint64_t value) : value_(value) {}
  constexpr SequenceNumber(std::uint32_t high, std::uint32_t low) : value_(std::uint64_t{high} << 32 | low) {}

  [[nodiscard]] constexpr std::uint64_t value() const { return value_; }
  [[nodiscard]] constexpr std::uint32_t high() const { return static_cast<std::uint32_t>(value_ >> 32); }
  [[nodiscard]] constexpr std::uint32_t low() const { return static_cast<std::uint32_t>(value_); }

  friend constexpr auto operator<=>(SequenceNumber, SequenceNumber) = default;

 private:
  std::uint64_t value_ = 0;
};

}  // namespace isthmus::esp
