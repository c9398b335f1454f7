#include "ppp/control_packet.h"

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/check.h"
#include "base/guard.h"

namespace isthmus::ppp {

std::optional<Code> known_code(std::uint8_t code) {
  if (code < static_cast<std::uint8_t>(Code::kConfigureRequest)) return std::nullopt;
  if (code > static_cast<std::uint8_t>(Code::kTimeRemaining)) return std::nullopt;
  return static_cast<Code>(code);
}

Result<ControlPacket> parse_control_packet(ConstBytes information) {
  ByteReader in{information};
  ControlPacket packet;
  packet.code = in.u8();
  packet.identifier = in.u8();
  const std::size_t length = in.u16();
  if (!in.ok()) return fail(Error::Code::kProtocol, "control packet shorter than its header");
  if (length < kControlHeaderSize)
    return fail(Error::Code::kProtocol, "control packet with a Length below 4");
  packet.data = in.take(length - kControlHeaderSize);
  if (!guard<Guard::kControlLength>(in.ok()))
    return fail(Error::Code::kProtocol, "control packet shorter than its Length");
  return packet;
}

void append_control_packet(Code code, std::uint8_t identifier, ConstBytes data, Bytes& out) {
  CHECK(data.size() <= kMaxControlData);
  ByteWriter writer{out};
  writer.u8(static_cast<std::uint8_t>(code));
  writer.u8(identifier);
  writer.u16(static_cast<std::uint16_t>(kControlHeaderSize + data.size()));
  writer.raw(data);
}

Result<std::vector<Option>> parse_options(ConstBytes data) {
  std::vector<Option> options;
  ByteReader in{data};
  while (in.remaining() > 0) {
    const std::uint8_t type = in.u8();
    const std::size_t length = in.u8();
    if (!in.ok()) return fail(Error::Code::kProtocol, "option without a length");
    if (length < 2) return fail(Error::Code::kProtocol, "option with a length below 2");
    const ConstBytes value = in.take(length - 2);
    if (!guard<Guard::kOptionEnd>(in.ok()))
      return fail(Error::Code::kProtocol, "option beyond the end of its packet");
    options.push_back(Option{type, value});
  }
  return options;
}

void append_option(std::uint8_t type, ConstBytes value, Bytes& out) {
  CHECK(value.size() <= kMaxOptionValue);
  ByteWriter writer{out};
  writer.u8(type);
  writer.u8(static_cast<std::uint8_t>(2 + value.size()));
  writer.raw(value);
}

Result<VendorData> split_vendor_data(ConstBytes data) {
  ByteReader in{data};
  const std::uint32_t high = in.u8();
  const std::uint32_t low = in.u16();
  if (!in.ok()) return fail(Error::Code::kProtocol, "vendor packet shorter than an OUI");
  return VendorData{high << 16 | low, in.take_rest()};
}

void append_oui(std::uint32_t oui, Bytes& out) {
  CHECK(oui <= 0xffffff);
  ByteWriter writer{out};
  writer.u8(static_cast<std::uint8_t>(oui >> 16));
  writer.u16(static_cast<std::uint16_t>(oui));
}

}  // namespace isthmus::ppp
