// The unit PPP carries: a protocol number and the octets behind it, without framing.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace isthmus::ppp {

// Numbers of the "PPP DLL Protocol Numbers" registry that we speak or want to name.
enum class Protocol : std::uint16_t {
  kIpv4 = 0x0021,
  kIpv6 = 0x0057,
  kVsnp = 0x005b,    // RFC 3772
  kIpcp = 0x8021,    // RFC 1332
  kIpv6cp = 0x8057,  // RFC 5072
  kVsncp = 0x805b,   // RFC 3772
  kLcp = 0xc021,     // RFC 1661
};

// `protocol` is the number as it came: it need not be one of Protocol's. `information` is valid as long as
// the buffer it was cut from, at most until the call that delivered the frame returns. `position` is how many
// octets of the stream came before the last Flag Sequence in front of the frame.
struct Frame {
  std::uint16_t protocol = 0;
  ConstBytes information;
  std::uint64_t position = 0;
};

// How frames are put on the stream towards the peer: what *it* asked for in its LCP Configure-Request.
struct FramingOptions {
  std::uint32_t accm = 0xffffffff;           // octets 0..31 to escape (RFC 1662 section 7.1)
  bool protocol_field_compression = false;   // RFC 1661 section 6.5
  bool address_control_compression = false;  // RFC 1661 section 6.6

  friend bool operator==(const FramingOptions&, const FramingOptions&) = default;
};

}  // namespace isthmus::ppp
