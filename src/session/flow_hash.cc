#include "session/flow_hash.h"

#include <cstring>

#include "net/big_endian.h"
#include "net/header_fields.h"
#include "net/packet_view.h"

namespace isthmus::session {
namespace {

constexpr std::size_t kPortsSize = 4;

// Two rounds of multiply and shift: every bit of `word` reaches every bit of the result.
std::uint64_t mixed(std::uint64_t state, std::uint64_t word) {
  state = (state ^ word) * 0x9fb21c651e98df25U;
  state ^= state >> 31;
  state *= 0xd6e8feb86659fd93U;
  return state ^ (state >> 32);
}

std::uint64_t word_at(ConstBytes octets, std::size_t at) {
  std::uint64_t word = 0;
  std::memcpy(&word, octets.data() + at, sizeof word);
  return word;
}

// Where both ports stand first, and ESP, whose first four octets tell security associations apart.
bool has_ports(std::uint8_t protocol) {
  constexpr std::uint8_t kTcp = 6, kUdp = 17, kDccp = 33, kEsp = 50, kSctp = 132, kUdpLite = 136;
  return protocol == kTcp || protocol == kUdp || protocol == kDccp || protocol == kEsp || protocol == kSctp ||
         protocol == kUdpLite;
}

// The protocol, and the ports that follow a header of `header` octets.
std::uint64_t upper_layer(ConstBytes packet, std::uint8_t protocol, std::size_t header) {
  std::uint32_t ports = 0;
  if (has_ports(protocol) && packet.size() >= header + kPortsSize)
    std::memcpy(&ports, packet.data() + header, sizeof ports);
  return std::uint64_t{protocol} << 32 | ports;
}

std::uint64_t hash_v4(std::uint64_t seed, ConstBytes packet) {
  if (packet.size() < kIpv4Header) return seed;
  const std::uint64_t addresses = mixed(seed, word_at(packet, kIpv4AddressesAt));
  const bool is_fragment = (load_u16(packet, kIpv4FragmentAt) & kIpv4FragmentMask) != 0;
  if (is_fragment) return addresses;
  return mixed(addresses, upper_layer(packet, packet[kIpv4ProtocolAt], 4U * (packet[0] & 15U)));
}

// An extension header other than the fragment's counts as a protocol without ports: all fragments of a packet
// repeat it (RFC 8200 section 4.5), so they stay one flow.
std::uint64_t hash_v6(std::uint64_t seed, ConstBytes packet) {
  constexpr std::uint8_t kFragmentHeader = 44;
  if (packet.size() < kIpv6Header) return seed;
  std::uint64_t hash = seed;
  for (std::size_t at = kIpv6AddressesAt; at < kIpv6Header; at += sizeof hash)
    hash = mixed(hash, word_at(packet, at));
  const std::uint8_t protocol = packet[kIpv6NextHeaderAt];
  return protocol == kFragmentHeader ? hash : mixed(hash, upper_layer(packet, protocol, kIpv6Header));
}

}  // namespace

std::uint64_t flow_hash(std::uint64_t seed, ConstBytes packet) {
  const std::optional<Family> family = family_of(packet);
  if (!family) return seed;
  return *family == Family::kIpv4 ? hash_v4(seed, packet) : hash_v6(seed, packet);
}

}  // namespace isthmus::session
