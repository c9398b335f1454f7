// Whatever claims to be a super-packet is cut into bounded packets that are whole, or refused; and what the
// coalescer makes of any packets is never longer than they were, and can be cut again into as many.
//
// Input: two octets of segment size, two of the largest piece, then the super-packet; the coalescer is given
// the packets cut from it, one of them damaged, and the input itself.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/byte_reader.h"
#include "base/check.h"
#include "net/checksum.h"
#include "net/coalescer.h"
#include "net/segmenter.h"

namespace {

using namespace isthmus;

constexpr std::size_t kMostPackets = kMaxPacket / kMinTcpSegment + kMaxUdpSegments;

struct Counted final : PacketSink {
  std::size_t packets = 0;
  void packet(const Packet& packet) override {
    CHECK(packet.octets.size() <= kMaxPacket);
    if (!packet.is_super()) {
      ++packets;
      return;
    }
    Bytes super(packet.octets.begin(), packet.octets.end());
    CHECK(cut(super, packet.segment_size, 0, [this](MutableBytes, std::uint16_t) { ++packets; }));
  }
};

std::vector<Bytes> check_cut(ConstBytes input, std::uint16_t segment_size, std::size_t most) {
  std::vector<Bytes> packets;
  std::size_t payload = 0;
  Bytes super(input.begin(), input.end());
  const std::optional<TransportView> whole = check_super_packet(super, segment_size);
  const bool is_cut = cut(super, segment_size, most, [&](MutableBytes octets, std::uint16_t size) {
    const std::optional<TransportView> view = view_transport(octets);
    CHECK(view && view->payload_at == whole->payload_at);
    payload += octets.size() - view->payload_at;
    CHECK(size == segment_size || size == 0);
    CHECK(size == 0 || (octets.size() <= most && check_super_packet(octets, size)));
    CHECK(size != 0 || transport_checksum_state(octets, *view) == ChecksumState::kRight);
    packets.emplace_back(octets.begin(), octets.end());
  });
  CHECK(is_cut == whole.has_value());
  CHECK(packets.size() <= kMostPackets);
  CHECK(!is_cut || payload == input.size() - whole->payload_at);
  return packets;
}

void check_coalescer(std::vector<Bytes> packets, ConstBytes input) {
  static Coalescer coalescer;
  Counted counted;
  if (packets.size() > 2) packets[packets.size() / 2].back() ^= 1;
  for (const Bytes& packet : packets) coalescer.add({.octets = packet}, counted);
  coalescer.add({.octets = input}, counted);
  coalescer.flush(counted);
  CHECK(counted.packets == packets.size() + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in{{data, size}};
  const std::uint16_t segment_size = in.u16();
  const std::size_t most = in.u16();
  const ConstBytes packet = in.take_rest();
  check_cut(packet, segment_size, most);
  check_coalescer(check_cut(packet, segment_size, 0), packet);
  return 0;
}
