// The packets of LCP and of the network control protocols (RFC 1661 sections 5 and 6), as values.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace isthmus::ppp {

enum class Code : std::uint8_t {
  kConfigureRequest = 1,  // 1 to 7: all control protocols
  kConfigureAck = 2,
  kConfigureNak = 3,
  kConfigureReject = 4,
  kTerminateRequest = 5,
  kTerminateAck = 6,
  kCodeReject = 7,
  kProtocolReject = 8,  // 8 to 11: LCP only
  kEchoRequest = 9,
  kEchoReply = 10,
  kDiscardRequest = 11,
  kIdentification = 12,  // RFC 1570, LCP only
  kTimeRemaining = 13,
};

// Empty for a code that is not in Code.
std::optional<Code> known_code(std::uint8_t code);

// `code` is the number as it came: it need not be one of Code's. `data` is a view of what was parsed.
struct ControlPacket {
  std::uint8_t code = 0;
  std::uint8_t identifier = 0;
  ConstBytes data;
};

inline constexpr std::size_t kControlHeaderSize = 4;
inline constexpr std::size_t kMaxControlData = 0xffff - kControlHeaderSize;

// Octets beyond the Length field are padding and not part of `data`. An information field that is shorter
// than its Length or than the header, or a Length below 4, is kProtocol: to be discarded silently (RFC 1661
// section 5).
Result<ControlPacket> parse_control_packet(ConstBytes information);
// At most kMaxControlData octets of data.
void append_control_packet(Code code, std::uint8_t identifier, ConstBytes data, Bytes& out);

// One Configuration Option. `value` excludes type and length, and is a view of what was parsed.
struct Option {
  std::uint8_t type = 0;
  ConstBytes value;
};

inline constexpr std::size_t kMaxOptionValue = 253;

// The options of a Configure packet in their order, duplicates and all. kProtocol if a length is below 2 or
// runs past the end; there is no partial list, since RFC 1661 section 6 has the whole packet discarded.
Result<std::vector<Option>> parse_options(ConstBytes data);
// At most kMaxOptionValue octets of value.
void append_option(std::uint8_t type, ConstBytes value, Bytes& out);

// What a VSNCP packet carries behind its Length field (RFC 3772 section 2.1): whose protocol it is, then data
// as in LCP.
struct VendorData {
  std::uint32_t oui = 0;  // 24 bits
  ConstBytes data;
};

// kProtocol if `data` is shorter than an OUI.
Result<VendorData> split_vendor_data(ConstBytes data);
void append_oui(std::uint32_t oui, Bytes& out);

}  // namespace isthmus::ppp
