// Where fields lie in the headers of IPv4 (RFC 791 section 3.1), IPv6 (RFC 8200 section 3), TCP (RFC 9293
// section 3.1) and UDP (RFC 768), in octets from the start of each, and TCP's control bits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace isthmus {

inline constexpr std::size_t kIpv4Header = 20;  // without options
inline constexpr std::size_t kIpv4LengthAt = 2;
inline constexpr std::size_t kIpv4IdentificationAt = 4;
inline constexpr std::size_t kIpv4FragmentAt = 6;
inline constexpr std::size_t kIpv4ProtocolAt = 9;
inline constexpr std::size_t kIpv4ChecksumAt = 10;
inline constexpr std::size_t kIpv4AddressesAt = 12;
inline constexpr std::uint16_t kIpv4DontFragment = 0x4000;
inline constexpr std::uint16_t kIpv4FragmentMask = 0x3fff;  // MF and the offset

inline constexpr std::size_t kIpv6Header = 40;
inline constexpr std::size_t kIpv6LengthAt = 4;
inline constexpr std::size_t kIpv6NextHeaderAt = 6;
inline constexpr std::size_t kIpv6AddressesAt = 8;

inline constexpr std::size_t kTcpHeader = 20;  // without options
inline constexpr std::size_t kTcpSequenceAt = 4;
inline constexpr std::size_t kTcpAcknowledgementAt = 8;
inline constexpr std::size_t kTcpOffsetAt = 12;
inline constexpr std::size_t kTcpFlagsAt = 13;
inline constexpr std::size_t kTcpWindowAt = 14;
inline constexpr std::size_t kTcpChecksumAt = 16;
inline constexpr std::size_t kTcpUrgentAt = 18;
inline constexpr std::uint8_t kTcpFin = 0x01;
inline constexpr std::uint8_t kTcpSyn = 0x02;
inline constexpr std::uint8_t kTcpRst = 0x04;
inline constexpr std::uint8_t kTcpPsh = 0x08;
inline constexpr std::uint8_t kTcpAck = 0x10;
inline constexpr std::uint8_t kTcpUrg = 0x20;
inline constexpr std::uint8_t kTcpCwr = 0x80;

inline constexpr std::size_t kUdpHeader = 8;
inline constexpr std::size_t kUdpLengthAt = 4;
inline constexpr std::size_t kUdpChecksumAt = 6;

}  // namespace isthmus
