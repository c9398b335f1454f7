#include "ppp/hdlc_encoder.h"

#include <array>

#include "ppp/fcs.h"
#include "ppp/hdlc.h"

namespace isthmus::ppp {
namespace {

constexpr std::uint32_t kEveryControlCharacter = 0xffffffff;
constexpr FramingOptions kLcpFraming{.accm = kEveryControlCharacter,
                                     .protocol_field_compression = false,
                                     .address_control_compression = false};

void append_stuffed(ConstBytes octets, std::uint32_t accm, Bytes& out) {
  for (const std::uint8_t octet : octets) {
    if (octet == kFlag || octet == kControlEscape || is_mapped(accm, octet)) {
      out.push_back(kControlEscape);
      out.push_back(octet ^ kEscapeBit);
      continue;
    }
    out.push_back(octet);
  }
}

// Address, Control and Protocol, as far as they are sent.
class FrameHeader {
 public:
  FrameHeader(std::uint16_t protocol, const FramingOptions& options) {
    if (!options.address_control_compression) {
      append(kAllStations);
      append(kUnnumberedInformation);
    }
    // An even low octet would be taken for the first of two; no such number is assigned (RFC 1661 section 2).
    // 0x00ff alone would be taken for an Address field, and is reserved for that (RFC 1662 section 3.2).
    const bool fits_one_octet = protocol < 0xff && (protocol & 1) != 0;
    if (!options.protocol_field_compression || !fits_one_octet)
      append(static_cast<std::uint8_t>(protocol >> 8));
    append(static_cast<std::uint8_t>(protocol));
  }

  [[nodiscard]] ConstBytes octets() const { return ConstBytes{octets_}.first(size_); }

 private:
  void append(std::uint8_t octet) { octets_[size_++] = octet; }

  std::array<std::uint8_t, kAddressControlSize + kProtocolSize> octets_{};
  std::size_t size_ = 0;
};

}  // namespace

void encode_frame(std::uint16_t protocol, ConstBytes information, const FramingOptions& options, Bytes& out) {
  const bool is_lcp = protocol == static_cast<std::uint16_t>(Protocol::kLcp);
  const FramingOptions& framing = is_lcp ? kLcpFraming : options;
  const FrameHeader header{protocol, framing};
  const auto fcs = static_cast<std::uint16_t>(~fcs16(information, fcs16(header.octets())));
  const std::array<std::uint8_t, kFcsSize> trailer{static_cast<std::uint8_t>(fcs),
                                                   static_cast<std::uint8_t>(fcs >> 8)};

  out.push_back(kFlag);
  append_stuffed(header.octets(), framing.accm, out);
  append_stuffed(information, framing.accm, out);
  append_stuffed(trailer, framing.accm, out);
  out.push_back(kFlag);
}

}  // namespace isthmus::ppp
