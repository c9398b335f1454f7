// The loops that touch every octet of the stream, behind function pointers: one portable set, and what this
// processor does faster. Every set gives the same octets and sizes.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace isthmus::ppp {

// How far unstuffing came.
struct Unstuffed {
  std::size_t read = 0;     // octets of the stream
  std::size_t written = 0;  // octets of the frame

  friend bool operator==(const Unstuffed&, const Unstuffed&) = default;
};

// "Special" is an octet that has to be escaped on the stream: Flag Sequence, Control Escape, and the control
// characters that `accm` maps.
struct FramingKernels {
  // As fcs16() of fcs.h.
  std::uint16_t (*fcs16)(ConstBytes octets, std::uint16_t fcs);

  // Writes `octets` with every special one escaped to the front of `out`, which has room for twice as many;
  // what lies behind the octets written is undefined. Returns how many were written.
  std::size_t (*stuff)(ConstBytes octets, std::uint32_t accm, MutableBytes out);

  // How many octets there are before the first special one.
  std::size_t (*clean_run)(ConstBytes octets, std::uint32_t accm);

  // Takes octets from the front of `stream`, which is not behind a Control Escape, up to a Flag Sequence, and
  // writes them to `out`, which has room for as many as the stream has, without escapes and without the
  // control characters that `accm` maps. A Control Escape at the very end, or with a Flag Sequence or a
  // mapped character behind it, is left to the caller, and all that follows it.
  Unstuffed (*unstuff)(ConstBytes stream, std::uint32_t accm, MutableBytes out);
};

const FramingKernels& portable_kernels();
// The fastest set on this processor.
const FramingKernels& best_kernels();

}  // namespace isthmus::ppp
