#include "io/icmp_message.h"

#include "base/byte_reader.h"
#include "base/byte_writer.h"

namespace isthmus::io {
namespace {

constexpr std::uint8_t kEchoReply4 = 0;
constexpr std::uint8_t kUnreachable4 = 3;
constexpr std::uint8_t kEchoRequest4 = 8;
constexpr std::uint8_t kTimeExceeded4 = 11;
constexpr std::uint8_t kUnreachable6 = 1;
constexpr std::uint8_t kTooBig6 = 2;
constexpr std::uint8_t kTimeExceeded6 = 3;
constexpr std::uint8_t kEchoRequest6 = 128;
constexpr std::uint8_t kEchoReply6 = 129;

constexpr std::uint8_t kProtocolIcmp = 1;
constexpr std::uint8_t kProtocolIcmp6 = 58;
constexpr std::size_t kPayload = 24;

// RFC 1071.
std::uint16_t internet_checksum(ConstBytes octets) {
  ByteReader in(octets);
  std::uint32_t sum = 0;
  while (in.remaining() >= 2) sum += in.u16();
  if (in.remaining() == 1) sum += static_cast<std::uint32_t>(in.u8()) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

// RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1.
std::string reason4(std::uint8_t type, std::uint8_t code) {
  if (type == kTimeExceeded4) return "went round in circles (time to live exceeded)";
  if (code == 0 || code == 6 || code == 11) return "network unreachable";
  if (code == 1 || code == 7 || code == 12) return "host unreachable";
  if (code == 4) return "too large for the path";
  if (code == 9 || code == 10 || code == 13) return "prohibited by a firewall";
  return "unreachable (code " + std::to_string(code) + ")";
}

// RFC 4443 sections 3.1 to 3.3.
std::string reason6(std::uint8_t type, std::uint8_t code) {
  if (type == kTimeExceeded6) return "went round in circles (hop limit exceeded)";
  if (type == kTooBig6) return "too large for the path";
  if (code == 0) return "no route to it";
  if (code == 1) return "prohibited by a firewall";
  if (code == 3) return "host unreachable";
  if (code == 5 || code == 6) return "refused by a policy or route";
  return "unreachable (code " + std::to_string(code) + ")";
}

EchoNumbers read_numbers(ByteReader& in) {
  const std::uint16_t identifier = in.u16();
  return {identifier, in.u16()};
}

// Skips an IPv4 header with its options; what follows must be of ICMP.
bool skip_ipv4_header(ByteReader& in) {
  const std::uint8_t version_and_length = in.u8();
  in.take(8);
  const std::uint8_t protocol = in.u8();
  in.take(10);
  const std::size_t length = (version_and_length & 0x0fU) * std::size_t{4};
  if (version_and_length >> 4 != 4 || length < 20 || protocol != kProtocolIcmp) return false;
  in.take(length - 20);
  return in.ok();
}

// Only a header that ICMPv6 follows at once: our requests have no extension headers.
bool skip_ipv6_header(ByteReader& in) {
  const std::uint8_t version = in.u8();
  in.take(5);
  const std::uint8_t next_header = in.u8();
  in.take(33);
  return in.ok() && version >> 4 == 6 && next_header == kProtocolIcmp6;
}

// The start of the echo request that an error quotes.
std::optional<EchoNumbers> quoted_request(Family family, ByteReader& in) {
  const bool is_v4 = family == Family::kIpv4;
  if (!(is_v4 ? skip_ipv4_header(in) : skip_ipv6_header(in))) return std::nullopt;
  const std::uint8_t type = in.u8();
  in.take(3);
  const EchoNumbers numbers = read_numbers(in);
  if (!in.ok() || type != (is_v4 ? kEchoRequest4 : kEchoRequest6)) return std::nullopt;
  return numbers;
}

bool is_error(Family family, std::uint8_t type) {
  if (family == Family::kIpv4) return type == kUnreachable4 || type == kTimeExceeded4;
  return type == kUnreachable6 || type == kTooBig6 || type == kTimeExceeded6;
}

}  // namespace

Bytes encode_echo_request(Family family, const EchoNumbers& numbers) {
  Bytes message;
  ByteWriter out(message);
  out.u8(family == Family::kIpv4 ? kEchoRequest4 : kEchoRequest6);
  out.u8(0);
  out.u16(0);
  out.u16(numbers.identifier);
  out.u16(numbers.sequence);
  for (std::size_t octet = 0; octet < kPayload; ++octet) out.u8(static_cast<std::uint8_t>(octet));
  if (family == Family::kIpv4) out.patch_u16(2, internet_checksum(message));
  return message;
}

IcmpAnswer parse_icmp(Family family, ConstBytes received) {
  ByteReader in(received);
  if (family == Family::kIpv4 && !skip_ipv4_header(in)) return {};
  const std::uint8_t type = in.u8();
  const std::uint8_t code = in.u8();
  in.take(2);
  if (is_error(family, type)) {
    in.take(4);
    const auto numbers = quoted_request(family, in);
    if (!numbers) return {};
    return {.reply = {},
            .refusal =
                EchoRefusal{*numbers, family == Family::kIpv4 ? reason4(type, code) : reason6(type, code)}};
  }
  const EchoNumbers numbers = read_numbers(in);
  if (!in.ok() || type != (family == Family::kIpv4 ? kEchoReply4 : kEchoReply6)) return {};
  return {.reply = EchoReply{numbers}, .refusal = {}};
}

}  // namespace isthmus::io
