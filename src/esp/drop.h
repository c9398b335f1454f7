// Why a datagram yields no packet, or a packet no datagram. Counted by its number, never logged one by one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

namespace isthmus::esp {

enum class Drop : std::uint8_t {
  // Inwards, in the order of the checks.
  kKeepalive,  // one octet FF (RFC 3948 section 2.3): meant for the NATs in between
  kNonEsp,  // four zero octets where an SPI would be (RFC 3948 section 2.2): IKE's, and nobody here speaks it
  kBadLength,      // no ESP packet has that length
  kUnknownSpi,     // no SA of ours
  kNoRoom,         // longer than the output given; also outwards
  kReplayed,       // seen before, or too old to tell
  kAuthFailed,     // the ICV is not that of the packet
  kBadTrailer,     // authentic, but its padding is not what RFC 4303 section 2.4 writes
  kNextHeader,     // authentic, but neither IPv4, IPv6 nor dummy
  kDummy,          // a dummy that is no probe (RFC 4303 section 2.6)
  kProbe,          // a probe or an echo: taken in, and told by an event
  kNoWholePacket,  // what it holds is no IP packet of the version that Next Header states
  kSelector,       // from or to an address that the peer may not speak for or reach
  kCongested,      // marked on the way although its sender cannot understand a mark (RFC 6040 section 4.2)
  // Outwards.
  kNotIp,       // neither IPv4 nor IPv6
  kNoOutbound,  // no SA, or no remote, to send by
  kHardLimit,   // the SA has sent all that its key may
};
inline constexpr std::size_t kDropCount = static_cast<std::size_t>(Drop::kHardLimit) + 1;

template <typename T>
using Verdict = std::expected<T, Drop>;

// A word for status and counters, such as "replayed".
std::string_view name_of(Drop drop);

}  // namespace isthmus::esp
