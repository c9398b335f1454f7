// What parses as a control packet or as options is written back as the same octets, and any frame can be
// described in a bounded printable line.
//
// Input: two octets of protocol number, then an information field.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/byte_reader.h"
#include "base/check.h"
#include "ppp/control_packet.h"
#include "ppp/describe.h"

namespace {

using namespace isthmus;
using namespace isthmus::ppp;

void check_options(ConstBytes data) {
  const Result<std::vector<Option>> options = parse_options(data);
  if (!options) return;
  Bytes again;
  for (const Option& option : *options) append_option(option.type, option.value, again);
  CHECK(std::ranges::equal(again, data));
}

void check_vendor_data(ConstBytes data) {
  const Result<VendorData> vendor = split_vendor_data(data);
  if (!vendor) return;
  Bytes again;
  append_oui(vendor->oui, again);
  again.insert(again.end(), vendor->data.begin(), vendor->data.end());
  CHECK(std::ranges::equal(again, data));
  check_options(vendor->data);
}

void check_packet(ConstBytes information) {
  const Result<ControlPacket> packet = parse_control_packet(information);
  if (!packet) return;
  check_options(packet->data);
  check_vendor_data(packet->data);
  const std::optional<Code> code = known_code(packet->code);
  if (!code) return;
  Bytes again;
  append_control_packet(*code, packet->identifier, packet->data, again);
  CHECK(again.size() <= information.size());
  CHECK(std::ranges::equal(again, information.first(again.size())));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in{{data, size}};
  const std::uint16_t protocol = in.u16();
  const ConstBytes information = in.take_rest();
  check_packet(information);
  const std::string line = describe_frame(protocol, information);
  CHECK(!line.empty() && line.size() <= kMaxDescription);
  CHECK(std::ranges::all_of(line, [](char c) { return c >= 0x20 && c < 0x7f; }));
  return 0;
}
