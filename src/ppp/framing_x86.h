// The vector loops for x86-64 processors.
#pragma once

#include "ppp/framing_kernels.h"

namespace isthmus::ppp {

// `portable` with every loop replaced for which this processor has the instructions; on other architectures
// `portable` itself.
FramingKernels with_x86_vectors(FramingKernels portable);

}  // namespace isthmus::ppp
