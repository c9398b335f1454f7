// Whatever decodes must come back from its own encoding as itself.
#include <algorithm>

#include "base/check.h"
#include "session/message.h"
#include "session/stream_message.h"

namespace {

using namespace isthmus;
using namespace isthmus::session;

void check_message(ConstBytes octets) {
  const auto message = decode(octets);
  if (!message) return;
  const Bytes encoded = encode(*message);
  CHECK(encoded.size() <= kMaxMessage);
  const auto again = decode(encoded);
  CHECK(again.has_value());
  CHECK(encode(*again) == encoded);
}

void check_message_of_the_packet_path(ConstBytes octets) {
  const auto report = parse_receive_report(octets);
  CHECK(!report || parse_receive_report(encode(*report)) == report);
  const auto packet = parse_super_packet(octets);
  CHECK(!report || !packet);
  if (!packet) return;
  CHECK(packet->is_super() && packet->octets.size() + kSuperPacketHeader == octets.size());
  CHECK(std::ranges::equal(super_packet_header(packet->segment_size), octets.first(kSuperPacketHeader)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_message({data, size});
  check_message_of_the_packet_path({data, size});
  return 0;
}
