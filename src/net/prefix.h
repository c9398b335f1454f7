// A network prefix: an address whose host bits are zero, and a length.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/address.h"
#include "net/big_endian.h"

namespace isthmus {

class Prefix {
 public:
  // 0.0.0.0/0.
  Prefix() = default;
  // kInvalid if `length` is out of range or a host bit is set; the message then holds the prefix that was
  // meant.
  static Result<Prefix> make(const IpAddress& address, int length);
  // The network of `length` that `address` lies in; CHECKs the range of `length`.
  static Prefix around(const IpAddress& address, int length);
  // "193.6.35.0/24", "2001:db8::/32", or a bare address for a single host.
  static Result<Prefix> parse(std::string_view text);

  [[nodiscard]] const IpAddress& address() const { return address_; }
  [[nodiscard]] int length() const { return length_; }
  [[nodiscard]] Family family() const { return address_.family(); }
  [[nodiscard]] bool is_default() const { return length_ == 0; }
  [[nodiscard]] bool is_host() const { return length_ == address_.bits(); }

  // Asked for every packet: word by word, as far as the length goes.
  [[nodiscard]] bool contains(const IpAddress& address) const {
    if (address.family() != family()) return false;
    int bits = length_;
    for (std::size_t at = 0; bits > 0; at += 4, bits -= 32) {
      const std::uint32_t difference = load_u32(address.octets(), at) ^ load_u32(address_.octets(), at);
      if (bits >= 32 ? difference != 0 : difference >> (32 - bits) != 0) return false;
    }
    return true;
  }
  [[nodiscard]] bool contains(const Prefix& other) const;
  [[nodiscard]] bool overlaps(const Prefix& other) const { return contains(other) || other.contains(*this); }

  [[nodiscard]] std::string to_string() const;

  friend auto operator<=>(const Prefix&, const Prefix&) = default;

 private:
  Prefix(const IpAddress& address, int length) : address_(address), length_(length) {}

  IpAddress address_;
  int length_ = 0;
};

}  // namespace isthmus
