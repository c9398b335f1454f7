// Security Parameters Index (RFC 4303 section 2.1): the number by which a receiver knows one of its SAs. The
// receiver chooses it.
#pragma once

#include <cstdint>
#include <utility>

namespace isthmus::esp {

enum class Spi : std::uint32_t {};

// 0 is never on the wire, and IANA keeps 1 to 255 (RFC 4303 section 2.1).
inline constexpr Spi kLowestSpi{256};

constexpr bool is_usable(Spi spi) {
  return spi >= kLowestSpi;
}

// Which of the receiver's `workers` a datagram with this SPI goes to. Whoever chooses an SPI chooses it so
// that this is the worker that holds the SA.
constexpr unsigned worker_of(Spi spi, unsigned workers) {
  return std::to_underlying(spi) % workers;
}

}  // namespace isthmus::esp
