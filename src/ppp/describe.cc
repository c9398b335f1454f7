#include "ppp/describe.h"

#include <array>

#include "base/byte_reader.h"
#include "net/address.h"
#include "ppp/control_packet.h"
#include "ppp/describe_option.h"
#include "ppp/description.h"
#include "ppp/frame.h"
#include "ppp/vsncp.h"

namespace isthmus::ppp {
namespace {

struct NumberName {
  std::uint16_t number;
  std::string_view name;
};

// "PPP DLL Protocol Numbers": what a peer is likely to try.
constexpr std::array kProtocolNames = std::to_array<NumberName>({
    {0x0021, "IPv4"},
    {0x002d, "VJ-compressed"},
    {0x002f, "VJ-uncompressed"},
    {0x003d, "MP"},
    {0x0057, "IPv6"},
    {0x005b, "VSNP"},
    {0x00fb, "link-compressed"},
    {0x00fd, "compressed"},
    {0x0281, "MPLS"},
    {0x405b, "VSP"},
    {0x8021, "IPCP"},
    {0x8029, "ATCP"},
    {0x802b, "IPXCP"},
    {0x8053, "ECP"},
    {0x8057, "IPV6CP"},
    {0x805b, "VSNCP"},
    {0x80fb, "ILCCP"},
    {0x80fd, "CCP"},
    {0x8281, "MPLSCP"},
    {0xc021, "LCP"},
    {0xc023, "PAP"},
    {0xc025, "LQR"},
    {0xc029, "CBCP"},
    {0xc02b, "BACP"},
    {0xc05b, "VSAP"},
    {0xc223, "CHAP"},
    {0xc227, "EAP"},
});

// "Assigned Internet Protocol Numbers".
constexpr std::array kTransportNames = std::to_array<NumberName>({
    {0, "hop-by-hop"},
    {1, "ICMP"},
    {2, "IGMP"},
    {4, "IPIP"},
    {6, "TCP"},
    {17, "UDP"},
    {41, "IPv6"},
    {44, "fragment"},
    {47, "GRE"},
    {50, "ESP"},
    {51, "AH"},
    {58, "ICMPv6"},
    {89, "OSPF"},
    {132, "SCTP"},
});

template <std::size_t N>
std::string_view name_in(const std::array<NumberName, N>& names, std::uint16_t number) {
  for (const NumberName& entry : names)
    if (entry.number == number) return entry.name;
  return {};
}

std::string_view code_name(Code code) {
  switch (code) {
    case Code::kConfigureRequest:
      return "Configure-Request";
    case Code::kConfigureAck:
      return "Configure-Ack";
    case Code::kConfigureNak:
      return "Configure-Nak";
    case Code::kConfigureReject:
      return "Configure-Reject";
    case Code::kTerminateRequest:
      return "Terminate-Request";
    case Code::kTerminateAck:
      return "Terminate-Ack";
    case Code::kCodeReject:
      return "Code-Reject";
    case Code::kProtocolReject:
      return "Protocol-Reject";
    case Code::kEchoRequest:
      return "Echo-Request";
    case Code::kEchoReply:
      return "Echo-Reply";
    case Code::kDiscardRequest:
      return "Discard-Request";
    case Code::kIdentification:
      return "Identification";
    case Code::kTimeRemaining:
      return "Time-Remaining";
  }
  return {};
}

void add_protocol(std::uint16_t protocol, Description& line) {
  const std::string_view name = protocol_name(protocol);
  if (name.empty()) return line.add("protocol {:#06x}", protocol);
  line.add("{}", name);
}

void add_transport(std::uint8_t number, Description& line) {
  const std::string_view name = name_in(kTransportNames, number);
  if (name.empty()) return line.add(" proto {}", number);
  line.add(" {}", name);
}

void add_address(ConstBytes octets, Description& line) {
  if (const Result<IpAddress> address = IpAddress::from_octets(octets)) line.add("{}", address->to_string());
}

void add_broken_packet(ConstBytes information, Description& line) {
  line.add(" malformed header");
  line.add_octets(information);
  line.add(" len {}", information.size());
}

void add_ipv4(ConstBytes information, Description& line) {
  ByteReader in{information};
  const std::uint8_t version = in.u8() >> 4;
  in.u8();  // type of service
  const std::uint16_t length = in.u16();
  in.u16();  // identification
  const std::uint16_t fragment = in.u16();
  in.u8();  // time to live
  const std::uint8_t transport = in.u8();
  in.u16();  // checksum
  const ConstBytes source = in.take(4);
  const ConstBytes destination = in.take(4);
  if (!in.ok() || version != 4) return add_broken_packet(information, line);

  line.add(" ");
  add_address(source, line);
  line.add(" > ");
  add_address(destination, line);
  add_transport(transport, line);
  constexpr std::uint16_t kMoreFragmentsOrOffset = 0x3fff;
  if ((fragment & kMoreFragmentsOrOffset) != 0) line.add(" fragment at {}", (fragment & 0x1fff) * 8);
  line.add(" len {}", length);
}

void add_ipv6(ConstBytes information, Description& line) {
  ByteReader in{information};
  const std::uint8_t version = in.u8() >> 4;
  in.take(3);  // traffic class, flow label
  const std::size_t payload = in.u16();
  const std::uint8_t next_header = in.u8();
  in.u8();  // hop limit
  const ConstBytes source = in.take(16);
  const ConstBytes destination = in.take(16);
  if (!in.ok() || version != 6) return add_broken_packet(information, line);

  constexpr std::size_t kHeader = 40;
  line.add(" ");
  add_address(source, line);
  line.add(" > ");
  add_address(destination, line);
  add_transport(next_header, line);
  line.add(" len {}", kHeader + payload);
}

void add_options(std::uint16_t protocol, ConstBytes data, Description& line) {
  const Result<std::vector<Option>> options = parse_options(data);
  if (!options) {
    line.add(" malformed options");
    return line.add_octets(data);
  }
  for (const Option& option : *options) {
    if (line.is_full()) return;
    add_option(protocol, option, line);
  }
}

void add_rejected_code(ConstBytes data, Description& line) {
  ByteReader in{data};
  const std::uint8_t code = in.u8();
  const std::uint8_t identifier = in.u8();
  if (!in.ok()) return line.add_octets(data);
  line.add(" of");
  if (const std::optional<Code> known = known_code(code))
    line.add(" {}", code_name(*known));
  else
    line.add(" code {}", code);
  line.add(" id={}", identifier);
}

void add_rejected_protocol(ConstBytes data, Description& line) {
  ByteReader in{data};
  const std::uint16_t protocol = in.u16();
  if (!in.ok()) return line.add_octets(data);
  line.add(" of ");
  add_protocol(protocol, line);
  line.add(" len {}", in.remaining());
}

void add_magic(ByteReader& in, Description& line) {
  const std::uint32_t magic = in.u32();
  if (in.ok()) line.add(" magic={:#x}", magic);
}

void add_remaining_time(ByteReader& in, Description& line) {
  const std::uint32_t seconds = in.u32();
  if (in.ok()) line.add(" seconds={}", seconds);
}

void add_text(ConstBytes text, Description& line) {
  if (text.empty()) return;
  line.add(" ");
  line.add_text(text);
}

// What follows the identifier of a packet whose code is known.
void add_data(std::uint16_t protocol, Code code, ConstBytes data, Description& line) {
  ByteReader in{data};
  switch (code) {
    case Code::kConfigureRequest:
    case Code::kConfigureAck:
    case Code::kConfigureNak:
    case Code::kConfigureReject:
      return add_options(protocol, data, line);
    case Code::kTerminateRequest:
    case Code::kTerminateAck:
      return add_text(data, line);
    case Code::kCodeReject:
      return add_rejected_code(data, line);
    case Code::kProtocolReject:
      return add_rejected_protocol(data, line);
    case Code::kEchoRequest:
    case Code::kEchoReply:
    case Code::kDiscardRequest:
      add_magic(in, line);
      return line.add(" len {}", in.remaining());
    case Code::kIdentification:
      add_magic(in, line);
      return add_text(in.take_rest(), line);
    case Code::kTimeRemaining:
      add_magic(in, line);
      add_remaining_time(in, line);
      return add_text(in.take_rest(), line);
  }
}

// Takes the OUI off `data`. Yields the protocol whose option types are meant: none that we know if the OUI is
// foreign.
std::uint16_t add_vendor(ConstBytes& data, Description& line) {
  const Result<VendorData> vendor = split_vendor_data(data);
  if (!vendor) {
    line.add(" without OUI");
    return 0;
  }
  line.add(" oui={:06x}", vendor->oui);
  data = vendor->data;
  return vendor->oui == kOui ? static_cast<std::uint16_t>(Protocol::kVsncp) : 0;
}

void add_control(std::uint16_t protocol, ConstBytes information, Description& line) {
  const Result<ControlPacket> packet = parse_control_packet(information);
  if (!packet) {
    line.add(" malformed ({})", packet.error().message);
    return line.add_octets(information);
  }
  const std::optional<Code> code = known_code(packet->code);
  if (code)
    line.add(" {} id={}", code_name(*code), packet->identifier);
  else
    line.add(" code={} id={}", packet->code, packet->identifier);

  ConstBytes data = packet->data;
  if (protocol == static_cast<std::uint16_t>(Protocol::kVsncp)) protocol = add_vendor(data, line);
  if (code)
    add_data(protocol, *code, data, line);
  else
    line.add_octets(data);
  const std::size_t padding = information.size() - kControlHeaderSize - packet->data.size();
  if (padding > 0) line.add(" padding {}", padding);
}

// Network control protocols are 0x8000 to 0xbfff (RFC 1661 section 2), and all speak LCP's language.
bool is_control(std::uint16_t protocol) {
  return (protocol & 0xc000) == 0x8000 || protocol == static_cast<std::uint16_t>(Protocol::kLcp);
}

}  // namespace

std::string_view protocol_name(std::uint16_t protocol) {
  return name_in(kProtocolNames, protocol);
}

std::string describe_frame(std::uint16_t protocol, ConstBytes information) {
  Description line;
  add_protocol(protocol, line);
  if (protocol == static_cast<std::uint16_t>(Protocol::kIpv4)) {
    add_ipv4(information, line);
  } else if (protocol == static_cast<std::uint16_t>(Protocol::kIpv6)) {
    add_ipv6(information, line);
  } else if (is_control(protocol)) {
    add_control(protocol, information, line);
  } else {
    // Nothing of the content: VSNP carries keys and PAP passwords, and a log is no place for either.
    line.add(" len {}", information.size());
  }
  return line.take();
}

}  // namespace isthmus::ppp
