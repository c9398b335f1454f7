// An IPv4 or IPv6 address as a value.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace isthmus {

enum class Family : std::uint8_t { kIpv4, kIpv6 };

class IpAddress {
 public:
  // 0.0.0.0.
  IpAddress() = default;
  static IpAddress v4(std::uint32_t host_order);
  // Exactly 4 or 16 octets in network order; anything else is kInvalid.
  static Result<IpAddress> from_octets(ConstBytes octets);
  // "193.6.35.12" or "2001:db8::1": no brackets, no zone, no prefix length.
  static Result<IpAddress> parse(std::string_view text);
  static IpAddress unspecified(Family family);

  [[nodiscard]] Family family() const { return family_; }
  [[nodiscard]] bool is_v4() const { return family_ == Family::kIpv4; }
  // 32 or 128.
  [[nodiscard]] int bits() const { return is_v4() ? 32 : 128; }
  // 4 or 16 octets in network order, valid as long as this address.
  [[nodiscard]] ConstBytes octets() const { return {octets_.data(), is_v4() ? 4U : 16U}; }
  // Only for IPv4.
  [[nodiscard]] std::uint32_t v4_host_order() const;

  [[nodiscard]] bool is_unspecified() const;
  [[nodiscard]] bool is_loopback() const;    // 127/8, ::1
  [[nodiscard]] bool is_link_local() const;  // 169.254/16, fe80::/10
  [[nodiscard]] bool is_multicast() const;   // 224/4, ff00::/8
  // Usable as one host's address: none of the above, not 0/8, not 240/4 (broadcast among it), not v4-mapped.
  [[nodiscard]] bool is_unicast_host() const;

  [[nodiscard]] std::string to_string() const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  Family family_ = Family::kIpv4;
  std::array<std::uint8_t, 16> octets_{};  // the first four for IPv4, the rest zero
};

}  // namespace isthmus
