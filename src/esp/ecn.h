// What the outer header of a tunnel says of its inner one, and the reverse: ECN as RFC 6040 has it, in normal
// mode, and DSCP as one of the two ways of RFC 2983.
#pragma once

#include <cstdint>
#include <optional>

#include "net/ecn.h"

namespace isthmus::esp {

// On the way out. Inwards the inner DSCP always stays (RFC 2983 section 3.1, the pipe model): the networks
// between may have rewritten the outer one.
enum class OuterDscp : std::uint8_t {
  kZero,    // the networks between learn nothing of the classes inside, and reorder nothing by them
  kCopied,  // they serve the packets as the inner DSCP asks
};

// The outer traffic class of a packet with this inner one. ECN is copied (RFC 6040 section 4.1).
constexpr std::uint8_t outer_traffic_class(OuterDscp dscp, std::uint8_t inner) {
  return dscp == OuterDscp::kCopied ? inner : static_cast<std::uint8_t>(inner & kEcnMask);
}

struct Decapsulation {
  std::optional<Ecn> ecn;      // what the packet goes on with; empty: it must be dropped
  bool is_unexpected = false;  // no tunnel makes this pair: marked (!) or (!!!) in the table

  friend bool operator==(const Decapsulation&, const Decapsulation&) = default;
};

// RFC 6040 section 4.2, figure 4.
Decapsulation decapsulate_ecn(Ecn inner, Ecn outer);

}  // namespace isthmus::esp
