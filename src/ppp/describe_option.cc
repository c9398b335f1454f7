#include "ppp/describe_option.h"

#include <array>
#include <string_view>

#include "base/byte_reader.h"
#include "net/address.h"
#include "ppp/frame.h"

namespace isthmus::ppp {
namespace {

enum class Form : std::uint8_t { kNothing, kDecimal16, kHex32, kIpv4, kInterfaceId, kProtocol };

struct OptionShape {
  Protocol protocol;
  std::uint8_t type;
  std::string_view name;
  Form form;
};

constexpr std::array kShapes = std::to_array<OptionShape>({
    // RFC 1661 section 6, RFC 1662 section 7, RFC 1990
    {Protocol::kLcp, 1, "mru", Form::kDecimal16},
    {Protocol::kLcp, 2, "asyncmap", Form::kHex32},
    {Protocol::kLcp, 3, "auth", Form::kProtocol},
    {Protocol::kLcp, 4, "quality", Form::kProtocol},
    {Protocol::kLcp, 5, "magic", Form::kHex32},
    {Protocol::kLcp, 7, "pcomp", Form::kNothing},
    {Protocol::kLcp, 8, "accomp", Form::kNothing},
    {Protocol::kLcp, 17, "mrru", Form::kDecimal16},
    {Protocol::kLcp, 18, "short-sequence", Form::kNothing},
    // RFC 1332, RFC 1877
    {Protocol::kIpcp, 2, "compression", Form::kProtocol},
    {Protocol::kIpcp, 3, "address", Form::kIpv4},
    {Protocol::kIpcp, 129, "dns1", Form::kIpv4},
    {Protocol::kIpcp, 130, "wins1", Form::kIpv4},
    {Protocol::kIpcp, 131, "dns2", Form::kIpv4},
    {Protocol::kIpcp, 132, "wins2", Form::kIpv4},
    // RFC 5072
    {Protocol::kIpv6cp, 1, "interface-id", Form::kInterfaceId},
    {Protocol::kIpv6cp, 2, "compression", Form::kProtocol},
    // Ours, under our OUI
    {Protocol::kVsncp, 1, "version", Form::kHex32},
    {Protocol::kVsncp, 2, "capabilities", Form::kHex32},
});

const OptionShape* shape_of(std::uint16_t protocol, std::uint8_t type) {
  for (const OptionShape& shape : kShapes)
    if (static_cast<std::uint16_t>(shape.protocol) == protocol && shape.type == type) return &shape;
  return nullptr;
}

// Whether `size` octets are a value of this form.
bool fits(Form form, std::size_t size) {
  switch (form) {
    case Form::kNothing:
      return size == 0;
    case Form::kDecimal16:
      return size == 2;
    case Form::kHex32:
    case Form::kIpv4:
      return size == 4;
    case Form::kInterfaceId:
      return size == 8;
    case Form::kProtocol:
      return size >= 2;
  }
  return false;
}

void add_protocol_value(ByteReader& in, Description& line) {
  const std::uint16_t protocol = in.u16();
  const std::string_view name = protocol_name(protocol);
  if (name.empty())
    line.add(" {:#06x}", protocol);
  else
    line.add(" {}", name);
  line.add_octets(in.take_rest());
}

void add_value(Form form, ConstBytes value, Description& line) {
  ByteReader in{value};
  switch (form) {
    case Form::kNothing:
      return;
    case Form::kDecimal16:
      return line.add(" {}", in.u16());
    case Form::kHex32:
      return line.add(" {:#x}", in.u32());
    case Form::kIpv4:
      return line.add(" {}", IpAddress::v4(in.u32()).to_string());
    case Form::kInterfaceId:
      line.add(" {:x}", in.u16());
      while (in.remaining() > 0) line.add(":{:x}", in.u16());
      return;
    case Form::kProtocol:
      return add_protocol_value(in, line);
  }
}

}  // namespace

void add_option(std::uint16_t protocol, const Option& option, Description& line) {
  const OptionShape* shape = shape_of(protocol, option.type);
  if (shape == nullptr || !fits(shape->form, option.value.size())) {
    line.add(" <option {}", option.type);
    line.add_octets(option.value);
  } else {
    line.add(" <{}", shape->name);
    add_value(shape->form, option.value, line);
  }
  line.add(">");
}

}  // namespace isthmus::ppp
