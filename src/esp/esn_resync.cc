#include "esp/esn_resync.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace isthmus::esp {

void EsnResync::keep(ConstBytes packet) {
  CHECK(packet.size() <= copy_.size());
  std::ranges::copy(packet, copy_.begin());
  size_ = packet.size();
}

ConstBytes EsnResync::take_kept() {
  failures_ = 0;
  return ConstBytes{copy_}.first(std::exchange(size_, 0));
}

}  // namespace isthmus::esp
