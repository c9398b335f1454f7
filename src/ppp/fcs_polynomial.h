// Arithmetic modulo the polynomial of the 16-bit FCS, for whoever makes tables or folding constants of it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace isthmus::ppp {

// x^16 + x^12 + x^5 + 1, lowest power in the highest bit: the FCS runs over bits as a serial line sends them
// (RFC 1662 appendix C).
inline constexpr std::uint16_t kFcsPolynomial = 0x8408;

// `remainder` times x, modulo the polynomial.
constexpr std::uint16_t times_x(std::uint16_t remainder) {
  const int shifted = remainder >> 1;
  return static_cast<std::uint16_t>((remainder & 1) != 0 ? shifted ^ kFcsPolynomial : shifted);
}

// x to the power of `exponent`, modulo the polynomial.
constexpr std::uint16_t power_of_x(std::size_t exponent) {
  std::uint16_t remainder = 0x8000;
  for (; exponent > 0; --exponent) remainder = times_x(remainder);
  return remainder;
}

}  // namespace isthmus::ppp
