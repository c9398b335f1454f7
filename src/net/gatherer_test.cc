#include "net/gatherer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "net/coalescer.h"
#include "net/test_packets.h"

namespace isthmus {
namespace {

using test::packet_of;
using test::Parts;
using test::random_octets;

struct Given {
  Bytes octets;
  std::uint16_t segment_size = 0;
  friend bool operator==(const Given&, const Given&) = default;
};

struct Copied final : PacketSink {
  std::vector<Given> all;
  void packet(const Packet& packet) override {
    all.push_back({Bytes(packet.octets.begin(), packet.octets.end()), packet.segment_size});
  }
};

// Puts the pieces together.
struct Gathered final : GatherSink {
  std::vector<Given> all;
  std::size_t most_pieces = 0;
  void packet(const GatheredPacket& packet) override {
    Bytes octets(packet.first.begin(), packet.first.end());
    for (const ConstBytes piece : packet.rest) octets.insert(octets.end(), piece.begin(), piece.end());
    EXPECT_EQ(octets.size(), packet.size);
    all.push_back({octets, packet.segment_size});
    most_pieces = std::max(most_pieces, 1 + packet.rest.size());
  }
};

std::vector<Given> coalesced(const std::vector<Bytes>& packets) {
  Coalescer coalescer;
  Copied copied;
  for (const Bytes& packet : packets) coalescer.add({.octets = packet}, copied);
  coalescer.flush(copied);
  return copied.all;
}

std::vector<Given> gathered(std::vector<Bytes> packets,
                            Gatherer::Merges merges = Gatherer::Merges::kTcpAndUdp) {
  Gatherer gatherer{merges};
  Gathered out;
  for (Bytes& packet : packets) gatherer.add(packet, out);
  gatherer.flush(out);
  return out.all;
}

// Packets of many flows, mostly in order, with what ends or breaks a train strewn in.
class Traffic {
 public:
  explicit Traffic(std::uint64_t seed) : engine_(seed) {
    for (int i = 0; i < 20; ++i) {
      Parts flow{.version = chance(2) ? 4 : 6, .protocol = chance(3) ? 17 : 6, .source_port = 1000 + i};
      flow.payload = random_octets(static_cast<std::size_t>(10 + pick(1200)), seed + 1);
      flows_.push_back(flow);
    }
  }

  Bytes next() {
    Parts& flow = flows_[static_cast<std::size_t>(pick(chance(10) ? 20 : 4))];
    Parts now = flow;
    if (chance(20)) now.payload.resize(now.payload.size() / 2);
    if (chance(20)) now.flags |= 8;
    if (chance(40)) now.flags |= 1;
    if (chance(40)) now.hops = 9;
    if (chance(40)) now.fragment = 0x2000;
    Bytes octets = packet_of(now);
    if (chance(30)) octets.back() ^= 1;
    flow.sequence += static_cast<std::uint32_t>(now.payload.size());
    ++flow.identification;
    return octets;
  }

 private:
  int pick(int below) { return std::uniform_int_distribution{0, below - 1}(engine_); }
  bool chance(int of) { return pick(of) == 0; }

  std::mt19937_64 engine_;
  std::vector<Parts> flows_;
};

TEST(Gatherer, GivesWhatTheCoalescerGives) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Traffic traffic{seed};
    std::vector<Bytes> packets;
    for (int i = 0; i < 60; ++i) packets.push_back(traffic.next());
    ASSERT_EQ(gathered(packets), coalesced(packets)) << "seed " << seed;
  }
}

TEST(Gatherer, CanBeUsedBatchAfterBatch) {
  Gatherer gatherer{Gatherer::Merges::kTcpAndUdp};
  Coalescer coalescer;
  Gathered ours;
  Copied theirs;
  Traffic traffic{7};
  for (int batch = 0; batch < 100; ++batch) {
    std::vector<Bytes> packets;
    for (int i = 0; i < 20; ++i) packets.push_back(traffic.next());
    for (const Bytes& packet : packets) coalescer.add({.octets = packet}, theirs);
    coalescer.flush(theirs);
    for (Bytes& packet : packets) gatherer.add(packet, ours);
    gatherer.flush(ours);
  }
  EXPECT_EQ(ours.all, theirs.all);
}

std::vector<Bytes> train(int protocol, std::size_t count) {
  Parts parts{.protocol = protocol};
  parts.payload = random_octets(100, 1);
  std::vector<Bytes> packets;
  for (std::size_t i = 0; i < count; ++i) {
    packets.push_back(packet_of(parts));
    parts.sequence += 100;
    ++parts.identification;
  }
  return packets;
}

TEST(Gatherer, StartsAnewAfterItsLongestTrain) {
  for (const int protocol : {6, 17}) {
    const std::vector<Given> out = gathered(train(protocol, 100));
    ASSERT_EQ(out.size(), 2U);
    const std::size_t headers = protocol == 6 ? 40 : 28;
    EXPECT_EQ(out[0].octets.size(), headers + 6400);
    EXPECT_EQ(out[1].octets.size(), headers + 3600);
  }
}

TEST(Gatherer, MergesNothingThatTheReceiverDoesNotTake) {
  EXPECT_EQ(gathered(train(17, 10), Gatherer::Merges::kTcp).size(), 10U);
  EXPECT_EQ(gathered(train(6, 10), Gatherer::Merges::kTcp).size(), 1U);
  EXPECT_EQ(gathered(train(6, 10), Gatherer::Merges::kNothing).size(), 10U);
}

}  // namespace
}  // namespace isthmus
