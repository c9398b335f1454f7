// What a DatagramPath is told once, and what it is told of each stream.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"
#include "keying/rekeyer.h"
#include "net/address.h"
#include "net/prefix.h"

namespace isthmus::session {

enum class PathMode : std::uint8_t {
  kAuto,      // datagrams where they come through, else the stream
  kStream,    // the stream alone
  kDatagram,  // datagrams alone: packets wait for nothing else, and are dropped without them
};

// How a path is kept; docs/design/paths.md has all timers.
inline constexpr Duration kKeepaliveAfter = std::chrono::seconds{20};  // RFC 3948 section 4
// So long the stream goes on carrying while the search for a size that does not narrow the tunnel is under
// way.
inline constexpr Duration kSizePatience = std::chrono::seconds{4};
inline constexpr std::size_t kLeastIpv6Mtu = 1280;  // RFC 8200 section 5
inline constexpr unsigned kSuspiciousLoss = 200;    // per mille: it may be the size

struct PathOptions {
  PathMode mode = PathMode::kAuto;
  keying::RekeyerOptions keying;
  std::uint16_t port = 0;                // our UDP port
  std::vector<IpAddress> own_addresses;  // told to the peer, as far as it may reach us by them
};

struct PathFacts {
  // The far end of ssh's connection: the address that was dialled, or that the caller came from.
  std::vector<IpAddress> ssh_peers;
  // Networks whose routes lead into the tunnel. No datagram is sent there, or it would carry itself.
  std::vector<Prefix> tunnelled;
  // IPv6 goes through the tunnel: packets of 1280 octets must fit, or the path is not taken.
  bool carries_ipv6 = false;
};

}  // namespace isthmus::session
