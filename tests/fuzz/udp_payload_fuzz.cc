// What a worker's Tunnel makes of any datagram at all, before a key is asked: each has the one fate that its
// length and first octets give it (RFC 3948 section 2), whatever SAs came and went in between, and nothing
// follows from it.
//
// Input: records that begin with an octet. Odd: the next octet is a generation, to install, or, where the bit
// above is set, to retire. Even: half of it is the length of a datagram, which follows.
#include <algorithm>
#include <cstdint>
#include <set>

#include "base/byte_reader.h"
#include "base/check.h"
#include "esp/test_tunnels.h"
#include "esp/udp_encap.h"
#include "net/big_endian.h"

namespace {

using namespace isthmus;
using namespace isthmus::esp;

constexpr std::size_t kMaxRecords = 300;

class Run {
 public:
  Run() {
    CHECK(tunnel_.apply(SetSelector{esp::test::selector()}));
    CHECK(tunnel_.apply(SetRemote{esp::test::kNear}));
  }

  void change(std::uint8_t generation, bool is_end) {
    const std::uint32_t spi = 0x100U + generation;
    if (is_end) {
      CHECK(tunnel_.apply(Retire{Generation{generation}}));
      spis_.erase(spi);
      return;
    }
    const auto done = tunnel_.apply(InstallInbound{Generation{generation}, esp::test::parameters(spi)});
    CHECK(done.has_value() == spis_.insert(spi).second);
  }

  void take(ConstBytes octets) {
    Bytes datagram(octets.begin(), octets.end());
    Bytes out(opened_size(datagram.size()));
    const auto packet = tunnel_.open({datagram, esp::test::kElsewhere}, out);
    CHECK(!packet);
    CHECK(fates_of(octets).contains(packet.error()));
    Bytes room(2000);
    CHECK(!tunnel_.next_datagram(room) && !tunnel_.next_event());
    CHECK(tunnel_.counters().packets_received == 0);
    CHECK(tunnel_.remote() == esp::test::kNear);
  }

 private:
  std::set<Drop> fates_of(ConstBytes octets) const {
    if (octets.size() == 1 && octets[0] == 0xff) return {Drop::kKeepalive};
    if (octets.size() < 4) return {Drop::kBadLength};
    const std::uint32_t spi = load_u32(octets, 0);
    if (spi == 0) return {Drop::kNonEsp};
    if (octets.size() < kMinPacket || octets.size() % kAlignment != 0) return {Drop::kBadLength};
    if (!spis_.contains(spi)) return {Drop::kUnknownSpi};
    return {Drop::kAuthFailed, Drop::kReplayed};
  }

  Tunnel tunnel_;
  std::set<std::uint32_t> spis_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in{{data, size}};
  Run run;
  for (std::size_t i = 0; i < kMaxRecords && in.remaining() > 0; ++i) {
    const std::uint8_t word = in.u8();
    if ((word & 1U) != 0) {
      run.change(in.u8(), (word & 2U) != 0);
      continue;
    }
    run.take(in.take(std::min<std::size_t>(word >> 1U, in.remaining())));
  }
  return 0;
}
