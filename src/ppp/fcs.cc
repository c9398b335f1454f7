#include "ppp/fcs.h"

#include "ppp/framing_kernels.h"

namespace isthmus::ppp {

std::uint16_t fcs16(ConstBytes octets, std::uint16_t fcs) {
  return best_kernels().fcs16(octets, fcs);
}

}  // namespace isthmus::ppp
