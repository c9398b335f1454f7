// How often this program has asked the heap for memory.
#pragma once

#include <cstdint>

namespace isthmus {

std::uint64_t allocation_count();

}  // namespace isthmus
