#include "net/prefix.h"

#include <array>

#include "base/check.h"
#include "base/parse_number.h"

namespace isthmus {
namespace {

IpAddress masked(const IpAddress& address, int length) {
  std::array<std::uint8_t, 16> octets{};
  const ConstBytes whole = address.octets();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const int kept_bits = length - static_cast<int>(8 * i);
    if (kept_bits <= 0) break;
    const int mask = kept_bits >= 8 ? 0xff : (0xff << (8 - kept_bits)) & 0xff;
    octets[i] = static_cast<std::uint8_t>(whole[i] & mask);
  }
  return *IpAddress::from_octets(ConstBytes{octets}.first(whole.size()));
}

}  // namespace

Prefix Prefix::around(const IpAddress& address, int length) {
  CHECK(length >= 0 && length <= address.bits());
  return Prefix{masked(address, length), length};
}

Result<Prefix> Prefix::make(const IpAddress& address, int length) {
  if (length < 0 || length > address.bits()) {
    return fail(Error::Code::kInvalid, address.to_string() + "/" + std::to_string(length) +
                                           ": the length goes from 0 to " + std::to_string(address.bits()));
  }
  const Prefix meant = around(address, length);
  if (meant.address() != address) {
    return fail(Error::Code::kInvalid, address.to_string() + "/" + std::to_string(length) +
                                           " has host bits set; the network is " + meant.to_string());
  }
  return meant;
}

Result<Prefix> Prefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const IpAddress address = TRY(IpAddress::parse(text.substr(0, slash)));
  if (slash == std::string_view::npos) return Prefix{address, address.bits()};

  const std::string_view digits = text.substr(slash + 1);
  const std::optional<int> length = parse_number<int>(digits);
  if (!length) {
    return fail(Error::Code::kInvalid,
                "'" + std::string{text} + "': the prefix length is a number, as in 193.6.35.0/24");
  }
  return make(address, *length);
}

bool Prefix::contains(const Prefix& other) const {
  return other.length_ >= length_ && contains(other.address_);
}

std::string Prefix::to_string() const {
  return address_.to_string() + "/" + std::to_string(length_);
}

}  // namespace isthmus
