#include "net/address.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/check.h"

namespace isthmus {

IpAddress IpAddress::v4(std::uint32_t host_order) {
  IpAddress address;
  for (std::size_t i = 0; i < 4; ++i)
    address.octets_[i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
  return address;
}

Result<IpAddress> IpAddress::from_octets(ConstBytes octets) {
  if (octets.size() != 4 && octets.size() != 16)
    return fail(Error::Code::kInvalid, "an address has 4 or 16 octets");
  IpAddress address;
  address.family_ = octets.size() == 4 ? Family::kIpv4 : Family::kIpv6;
  std::ranges::copy(octets, address.octets_.begin());
  return address;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy{text};
  IpAddress address;
  const bool has_nul = copy.find('\0') != std::string::npos;
  if (!has_nul && inet_pton(AF_INET, copy.c_str(), address.octets_.data()) == 1) return address;
  address.family_ = Family::kIpv6;
  if (!has_nul && inet_pton(AF_INET6, copy.c_str(), address.octets_.data()) == 1) return address;
  return fail(Error::Code::kInvalid, "'" + copy + "' is no IPv4 or IPv6 address");
}

IpAddress IpAddress::unspecified(Family family) {
  IpAddress address;
  address.family_ = family;
  return address;
}

std::uint32_t IpAddress::v4_host_order() const {
  CHECK(is_v4());
  std::uint32_t value = 0;
  for (const std::uint8_t octet : octets()) value = (value << 8) | octet;
  return value;
}

bool IpAddress::is_unspecified() const {
  return std::ranges::all_of(octets(), [](std::uint8_t octet) { return octet == 0; });
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return octets_[0] == 127;
  return octets_[15] == 1 &&
         std::ranges::all_of(octets().first(15), [](std::uint8_t octet) { return octet == 0; });
}

bool IpAddress::is_link_local() const {
  if (is_v4()) return octets_[0] == 169 && octets_[1] == 254;
  return octets_[0] == 0xfe && (octets_[1] & 0xc0) == 0x80;
}

bool IpAddress::is_multicast() const {
  return is_v4() ? (octets_[0] & 0xf0) == 0xe0 : octets_[0] == 0xff;
}

bool IpAddress::is_unicast_host() const {
  if (is_unspecified() || is_loopback() || is_link_local() || is_multicast()) return false;
  if (is_v4()) return octets_[0] != 0 && octets_[0] < 240;
  const bool v4_mapped =
      octets_[10] == 0xff && octets_[11] == 0xff &&
      std::ranges::all_of(octets().first(10), [](std::uint8_t octet) { return octet == 0; });
  return !v4_mapped;
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(is_v4() ? AF_INET : AF_INET6, octets_.data(), text.data(), text.size());
  return text.data();
}

}  // namespace isthmus
