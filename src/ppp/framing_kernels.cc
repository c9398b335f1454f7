#include "ppp/framing_kernels.h"

#include "ppp/framing_x86.h"

namespace isthmus::ppp {

const FramingKernels& best_kernels() {
  static const FramingKernels kKernels = with_x86_vectors(portable_kernels());
  return kKernels;
}

}  // namespace isthmus::ppp
