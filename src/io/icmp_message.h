// Echo requests as octets, and what comes back: pure, so that every length can be tried.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "net/address.h"

namespace isthmus::io {

struct EchoNumbers {
  std::uint16_t identifier = 0;
  std::uint16_t sequence = 0;
  friend bool operator==(const EchoNumbers&, const EchoNumbers&) = default;
};

// An echo request (RFC 792, RFC 4443 section 4.1). For IPv6 the kernel fills in the checksum.
Bytes encode_echo_request(Family family, const EchoNumbers& numbers);

struct EchoReply {
  EchoNumbers numbers;
};
// A router or host says that our echo request could not be delivered.
struct EchoRefusal {
  EchoNumbers numbers;  // of the request it quotes
  std::string reason;   // "no route to host", "prohibited by a firewall"…
};
struct IcmpAnswer {
  std::optional<EchoReply> reply;
  std::optional<EchoRefusal> refusal;
};

// What a raw socket received: an IPv4 packet whole, an ICMPv6 message without its IPv6 header. Neither field
// is set for what is not about an echo request.
IcmpAnswer parse_icmp(Family family, ConstBytes received);

}  // namespace isthmus::io
