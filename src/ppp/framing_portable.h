// The portable loops, which the vector ones call for what is shorter than a vector.
#pragma once

#include "ppp/framing_kernels.h"
#include "ppp/hdlc.h"

namespace isthmus::ppp {

constexpr bool is_special(std::uint32_t accm, std::uint8_t octet) {
  return octet == kFlag || octet == kControlEscape || is_mapped(accm, octet);
}

std::uint16_t portable_fcs16(ConstBytes octets, std::uint16_t fcs);
std::size_t portable_stuff(ConstBytes octets, std::uint32_t accm, MutableBytes out);
std::size_t portable_clean_run(ConstBytes octets, std::uint32_t accm);
// Goes on from `at`, which counts from the beginnings of `stream` and `out`.
Unstuffed portable_unstuff_from(Unstuffed at, ConstBytes stream, std::uint32_t accm, MutableBytes out);

// Takes one octet, or an escape with the octet behind it. False if unstuffing ends here.
inline bool unstuff_one(ConstBytes stream, std::uint32_t accm, MutableBytes out, Unstuffed& at) {
  const std::uint8_t octet = stream[at.read];
  if (octet == kFlag) return false;
  if (octet == kControlEscape) {
    if (at.read + 1 == stream.size()) return false;
    const std::uint8_t escaped = stream[at.read + 1];
    if (escaped == kFlag || is_mapped(accm, escaped)) return false;
    out[at.written++] = escaped ^ kEscapeBit;
    at.read += 2;
    return true;
  }
  if (!is_mapped(accm, octet)) out[at.written++] = octet;
  ++at.read;
  return true;
}

}  // namespace isthmus::ppp
