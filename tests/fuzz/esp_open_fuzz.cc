// A Tunnel takes datagrams of which nothing is true, and authentic ones that hold anything at all: what comes
// out is what the selector permits, each datagram is counted once, a repeated one is never taken, and echoes
// are no larger than what they answer.
//
// Input: an octet (1: ESN), then records: kind, traffic class, length (2), octets. Kinds by their two low
// bits: 0 a raw datagram, 1 a plaintext that is sealed as it is, trailer and all, 2 the datagram before once
// more, 3 as 1 and then damaged. The next bit opens it in place, the one after it lets it come from
// elsewhere.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/byte_reader.h"
#include "base/check.h"
#include "esp/test_tunnels.h"
#include "net/big_endian.h"
#include "net/packet_view.h"

namespace {

using namespace isthmus;
using namespace isthmus::esp;

constexpr std::uint32_t kSpi = 0x1002;
constexpr std::size_t kMaxRecords = 200;

// What the peer could send: the octets of `plain`, sealed with the right key.
Bytes authentic(const SaCipher& cipher, ConstBytes plain, std::uint32_t number, bool is_esn) {
  Bytes room(plain.begin(), plain.end());
  room.resize(std::max<std::size_t>(kAlignment, (plain.size() + 3) / kAlignment * kAlignment));
  Bytes out(kHeaderSize + room.size() + crypto::kIcvSize);
  store_u32(out, 0, kSpi);
  store_u32(out, 4, number);
  store_u64(out, 8, number);
  Bytes aad(out.begin(), out.begin() + 4);
  if (is_esn) aad.resize(8);
  aad.insert(aad.end(), out.begin() + 4, out.begin() + 8);
  crypto::Nonce nonce{};
  std::ranges::copy(cipher.salt, nonce.begin());
  std::ranges::copy(ConstBytes{out}.subspan(8, 8), nonce.begin() + crypto::kSaltSize);
  cipher.aead->seal(nonce, aad, room, {}, MutableBytes{out}.subspan(kHeaderSize));
  return out;
}

class Run {
 public:
  explicit Run(bool is_esn) : is_esn_(is_esn) {
    CHECK(tunnel_.apply(SetSelector{esp::test::selector()}));
    CHECK(tunnel_.apply(SetRemote{esp::test::kNear}));
    CHECK(tunnel_.apply(InstallInbound{Generation{1}, parameters()}));
    CHECK(tunnel_.apply(InstallOutbound{Generation{1}, esp::test::parameters(0x1003)}));
  }

  void take(unsigned kind, std::uint8_t traffic_class, ConstBytes octets) {
    const bool is_repeated = (kind & 3U) == 2 && !last_.empty();
    if (!is_repeated) last_ = datagram_of(kind & 3U, octets);
    Bytes datagram = last_;
    Bytes apart(opened_size(datagram.size()));
    const bool is_in_place = (kind & 4U) != 0 && datagram.size() >= kHeaderSize;
    const MutableBytes out = is_in_place ? MutableBytes{datagram}.subspan(kHeaderSize) : MutableBytes{apart};
    const auto packet = tunnel_.open(
        {datagram, (kind & 8U) != 0 ? esp::test::kElsewhere : esp::test::kNear, traffic_class}, out);
    ++given_;
    came_ += last_.size();
    if (!packet) return;
    CHECK(!is_repeated || !was_taken_);
    was_taken_ = true;
    const auto view = view_packet(*packet);
    CHECK(view && view->length == packet->size());
    CHECK(esp::test::selector().permits_inbound(*view));
    CHECK(packet->data() == out.data() && packet->size() <= out.size());
  }

  void end() {
    std::uint64_t counted = tunnel_.counters().packets_received;
    for (const std::uint64_t drops : tunnel_.counters().drops) counted += drops;
    CHECK(counted == given_);
    Bytes out(65536);
    std::size_t answered = 0;
    while (const auto echo = tunnel_.next_datagram(out)) answered += echo->size;
    CHECK(answered <= came_);
    while (tunnel_.next_event()) {
    }
  }

 private:
  SaParameters parameters() const { return esp::test::parameters(kSpi, crypto::Cipher::kAes128Gcm, is_esn_); }

  Bytes datagram_of(unsigned kind, ConstBytes octets) {
    was_taken_ = false;
    if (kind == 0) return {octets.begin(), octets.end()};
    Bytes datagram = authentic(cipher_, octets, ++number_, is_esn_);
    if (kind == 3) datagram[octets.empty() ? 0 : octets[0] % datagram.size()] ^= 0x10;
    return datagram;
  }

  bool is_esn_;
  SaCipher cipher_ = esp::test::cipher_of(parameters());
  Tunnel tunnel_;
  std::uint32_t number_ = 0;
  Bytes last_;
  bool was_taken_ = false;
  std::uint64_t given_ = 0;
  std::size_t came_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in{{data, size}};
  Run run{(in.u8() & 1U) != 0};
  for (std::size_t i = 0; i < kMaxRecords && in.remaining() > 4; ++i) {
    const unsigned kind = in.u8();
    const std::uint8_t traffic_class = in.u8();
    const std::size_t length = std::min<std::size_t>(in.u16(), in.remaining());
    run.take(kind, traffic_class, in.take(length));
  }
  run.end();
  return 0;
}
