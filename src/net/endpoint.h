// An address and a port, as the outer connection uses them.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "net/address.h"

namespace isthmus {

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  // "192.0.2.1:22" or "[2001:db8::1]:22".
  [[nodiscard]] std::string to_string() const {
    const std::string host = address.is_v4() ? address.to_string() : "[" + address.to_string() + "]";
    return host + ":" + std::to_string(port);
  }
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

}  // namespace isthmus
