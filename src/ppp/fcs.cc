#include "ppp/fcs.h"

#include <array>

namespace isthmus::ppp {
namespace {

// x^16 + x^12 + x^5 + 1, lowest power in the highest bit: the FCS runs over bits as a serial line sends them.
constexpr std::uint16_t kPolynomial = 0x8408;

constexpr std::array<std::uint16_t, 256> make_table() {
  std::array<std::uint16_t, 256> table{};
  for (unsigned octet = 0; octet < table.size(); ++octet) {
    unsigned remainder = octet;
    for (int bit = 0; bit < 8; ++bit)
      remainder = (remainder & 1) != 0 ? (remainder >> 1) ^ kPolynomial : remainder >> 1;
    table[octet] = static_cast<std::uint16_t>(remainder);
  }
  return table;
}

constexpr std::array<std::uint16_t, 256> kTable = make_table();

}  // namespace

std::uint16_t fcs16(ConstBytes octets, std::uint16_t fcs) {
  for (const std::uint8_t octet : octets)
    fcs = static_cast<std::uint16_t>((fcs >> 8) ^ kTable[(fcs ^ octet) & 0xff]);
  return fcs;
}

}  // namespace isthmus::ppp
