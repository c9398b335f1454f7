// The fields of an IP packet that decide whether it may pass, read without trusting any of them.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "net/address.h"

namespace isthmus {

// By the version in the first octet; empty for another version, and without that octet.
inline std::optional<Family> family_of(ConstBytes octets) {
  const int version = octets.empty() ? 0 : octets[0] >> 4;
  if (version == 4) return Family::kIpv4;
  if (version == 6) return Family::kIpv6;
  return std::nullopt;
}

struct PacketView {
  Family family = Family::kIpv4;
  IpAddress source;
  IpAddress destination;
  std::size_t length = 0;  // of the whole packet, as its header states it: at most the octets there are
};

// Empty if `octets` is no whole IPv4 or IPv6 header of its version, or shorter than the length it states.
inline std::optional<PacketView> view_packet(ConstBytes octets) {
  const std::optional<Family> family = family_of(octets);
  if (!family) return std::nullopt;
  const bool is_v4 = *family == Family::kIpv4;
  const std::size_t header = is_v4 ? 4U * (octets[0] & 15U) : 40U;
  if (header < 20 || octets.size() < header) return std::nullopt;
  const std::size_t length_at = is_v4 ? 2 : 4;
  const std::size_t stated = octets[length_at] * 256U + octets[length_at + 1] + (is_v4 ? 0U : 40U);
  if (stated < header || stated > octets.size()) return std::nullopt;

  const std::size_t address_octets = is_v4 ? 4 : 16;
  const std::size_t first = is_v4 ? 12 : 8;
  return PacketView{*family, *IpAddress::from_octets(octets.subspan(first, address_octets)),
                    *IpAddress::from_octets(octets.subspan(first + address_octets, address_octets)), stated};
}

}  // namespace isthmus
