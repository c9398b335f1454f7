// All the SAs, of both directions and of every worker, that came out of one key exchange.
#pragma once

#include <cstdint>

namespace isthmus::esp {

enum class Generation : std::uint32_t {};

}  // namespace isthmus::esp
