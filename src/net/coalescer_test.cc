#include "net/coalescer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "net/segmenter.h"
#include "net/test_packets.h"

namespace isthmus {
namespace {

using test::OwnedPacket;
using test::packet_of;
using test::Parts;
using test::random_octets;
using test::train_of;

// Keeps what it is given.
struct Kept final : PacketSink {
  std::vector<OwnedPacket> all;
  void packet(const Packet& packet) override { all.emplace_back(packet.octets, packet.segment_size); }
  [[nodiscard]] std::vector<Bytes> cut_up() const {
    std::vector<Bytes> packets;
    for (OwnedPacket given : all) {
      if (given.segment_size == 0) {
        packets.push_back(given.octets);
        continue;
      }
      EXPECT_TRUE(cut(given.octets, given.segment_size, 0, [&](MutableBytes octets, std::uint16_t) {
        packets.emplace_back(octets.begin(), octets.end());
      }));
    }
    return packets;
  }
  [[nodiscard]] std::size_t supers() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(all, [](const OwnedPacket& given) { return given.segment_size != 0; }));
  }
};

Kept coalesced(const std::vector<Bytes>& packets) {
  Coalescer coalescer;
  Kept kept;
  for (const Bytes& packet : packets) coalescer.add({.octets = packet}, kept);
  coalescer.flush(kept);
  return kept;
}

bool merges(const Parts& first, const Parts& second) {
  const std::vector<Bytes> packets{packet_of(first), packet_of(second)};
  const Kept kept = coalesced(packets);
  EXPECT_EQ(kept.cut_up(), packets);
  return kept.supers() == 1;
}

// Two neighbours of one flow.
std::pair<Parts, Parts> neighbours(int version = 4, int protocol = 6) {
  Parts first{.version = version, .protocol = protocol, .fragment = 0};
  first.payload = random_octets(100, 1);
  Parts second = first;
  second.sequence += 100;
  second.identification += 1;
  second.payload = random_octets(100, 2);
  return {first, second};
}

TEST(Coalescer, MakesOneOfATrain) {
  for (const int version : {4, 6}) {
    for (const int protocol : {6, 17}) {
      Parts parts{.version = version, .protocol = protocol, .flags = 0x18};
      parts.payload = random_octets(20500, 1);
      const std::vector<Bytes> train = train_of(parts, 1000);
      const Kept kept = coalesced(train);
      ASSERT_EQ(kept.all.size(), 1U) << version << " " << protocol;
      EXPECT_EQ(kept.all[0].segment_size, 1000);
      EXPECT_TRUE(check_super_packet(kept.all[0].octets, 1000));
      EXPECT_EQ(kept.cut_up(), train);
    }
  }
}

TEST(Coalescer, MergesNeighboursOfEveryKind) {
  for (const int version : {4, 6}) {
    for (const int protocol : {6, 17}) {
      const auto [first, second] = neighbours(version, protocol);
      EXPECT_TRUE(merges(first, second)) << version << " " << protocol;
    }
  }
}

TEST(Coalescer, MergesNothingThatDiffers) {
  const std::vector<std::pair<const char*, void (*)(Parts&)>> differences{
      {"port", [](Parts& one) { one.source_port = 1001; }},
      {"protocol", [](Parts& one) { one.protocol = 17; }},
      {"TOS", [](Parts& one) { one.tos = 3; }},
      {"TTL", [](Parts& one) { one.hops = 63; }},
      {"DF", [](Parts& one) { one.fragment = 0x4000; }},
      {"reserved bit", [](Parts& one) { one.fragment = 0x8000; }},
      {"fragment", [](Parts& one) { one.fragment = 0x2000; }},
      {"identification", [](Parts& one) { one.identification += 1; }},
      {"options", [](Parts& one) { one.ip_options = Bytes(4, 1); }},
      {"sequence", [](Parts& one) { one.sequence += 1; }},
      {"earlier sequence", [](Parts& one) { one.sequence -= 100; }},
      {"acknowledgement", [](Parts& one) { one.acknowledgement += 1; }},
      {"window", [](Parts& one) { one.window += 1; }},
      {"TCP options", [](Parts& one) { one.tcp_options = Bytes(4, 1); }},
      {"FIN", [](Parts& one) { one.flags |= 0x01; }},
      {"SYN", [](Parts& one) { one.flags |= 0x02; }},
      {"RST", [](Parts& one) { one.flags |= 0x04; }},
      {"URG", [](Parts& one) { one.flags |= 0x20; }},
      {"ECE", [](Parts& one) { one.flags |= 0x40; }},
      {"CWR", [](Parts& one) { one.flags |= 0x80; }},
      {"no ACK", [](Parts& one) { one.flags = 0; }},
      {"longer", [](Parts& one) { one.payload.resize(101); }},
      {"empty", [](Parts& one) { one.payload.clear(); }}};
  for (const auto& [name, differ] : differences) {
    auto [first, second] = neighbours();
    differ(second);
    EXPECT_FALSE(merges(first, second)) << name;
  }
  auto [first, second] = neighbours(6);
  second.tos = 1;
  EXPECT_FALSE(merges(first, second)) << "traffic class";
  second = neighbours(6).second;
  second.hops = 3;
  EXPECT_FALSE(merges(first, second)) << "hop limit";
}

TEST(Coalescer, MergesNothingAfterAPush) {
  auto [first, second] = neighbours();
  first.flags = 0x18;
  EXPECT_FALSE(merges(first, second));
}

TEST(Coalescer, EndsASuperPacketWithAShortOrPushedSegment) {
  for (const bool is_short : {true, false}) {
    Parts parts{.flags = 0x18};
    parts.payload = random_octets(is_short ? 950 : 1000, 1);
    std::vector<Bytes> packets = train_of(parts, 100);
    Parts next{.sequence = parts.sequence + static_cast<std::uint32_t>(parts.payload.size())};
    next.payload = random_octets(1000, 2);
    for (const Bytes& packet : train_of(next, 100)) packets.push_back(packet);
    const Kept kept = coalesced(packets);
    EXPECT_EQ(kept.supers(), 2U);
  }
}

TEST(Coalescer, TakesAnyIdentificationOfWhatMayNotBeFragmented) {
  auto [first, second] = neighbours();
  first.fragment = second.fragment = 0x4000;
  second.identification = first.identification;
  EXPECT_EQ(coalesced({packet_of(first), packet_of(second)}).supers(), 1U);
}

// A super-packet's checksum is computed anew, so whatever was wrong would arrive as right.
TEST(Coalescer, PassesOnWhatItsChecksumDisowns) {
  for (const int protocol : {6, 17}) {
    for (const int version : {4, 6}) {
      const auto [first, second] = neighbours(version, protocol);
      for (const std::size_t broken : {std::size_t{0}, std::size_t{1}}) {
        std::vector<Bytes> packets{packet_of(first), packet_of(second)};
        packets[broken].back() ^= 1;
        const Kept kept = coalesced(packets);
        EXPECT_EQ(kept.supers(), 0U);
        EXPECT_EQ(kept.cut_up(), packets);
      }
    }
  }
}

TEST(Coalescer, PassesOnADamagedIpv4Header) {
  const auto [first, second] = neighbours();
  std::vector<Bytes> packets{packet_of(first), packet_of(second)};
  packets[1][10] ^= 1;
  EXPECT_EQ(coalesced(packets).supers(), 0U);
}

TEST(Coalescer, PassesOnDatagramsWithoutAChecksum) {
  const auto [first, second] = neighbours(4, 17);
  std::vector<Bytes> packets{packet_of(first), packet_of(second)};
  for (Bytes& packet : packets) test::set_u16(packet, 26, 0);
  const Kept kept = coalesced(packets);
  EXPECT_EQ(kept.supers(), 0U);
  EXPECT_EQ(kept.cut_up(), packets);
}

TEST(Coalescer, StopsAtTheLargestPacket) {
  Parts parts{.fragment = 0};
  parts.payload = random_octets(64000, 1);
  std::vector<Bytes> train = train_of(parts, 1400);
  parts.sequence += 64000;
  parts.identification = static_cast<std::uint16_t>(parts.identification + train.size());
  for (const Bytes& packet : train_of(parts, 1400)) train.push_back(packet);
  const Kept kept = coalesced(train);
  EXPECT_EQ(kept.cut_up(), train);
  for (const OwnedPacket& given : kept.all) EXPECT_LE(given.octets.size(), kMaxPacket);
}

TEST(Coalescer, BoundsTheDatagramsOfOne) {
  Parts parts{.protocol = 17, .payload = random_octets(3 * kMaxUdpSegments, 1)};
  const std::vector<Bytes> train = train_of(parts, 2);
  const Kept kept = coalesced(train);
  EXPECT_EQ(kept.all.size(), 24U);
  EXPECT_EQ(kept.cut_up(), train);
}

TEST(Coalescer, GivesASuperPacketOnBehindWhatCameBeforeIt) {
  const auto [first, second] = neighbours();
  Coalescer coalescer;
  Kept kept;
  coalescer.add({.octets = packet_of(first)}, kept);
  EXPECT_TRUE(kept.all.empty());
  const Bytes super = packet_of({.payload = Bytes(300)});
  coalescer.add({.octets = super, .segment_size = 100}, kept);
  ASSERT_EQ(kept.all.size(), 2U);
  EXPECT_EQ(kept.all[0].octets, packet_of(first));
  EXPECT_EQ(kept.all[1].octets, super);
  EXPECT_EQ(kept.all[1].segment_size, 100);
}

TEST(Coalescer, LetsNoFragmentOvertake) {
  const auto [first, second] = neighbours(4, 17);
  Parts fragment = second;
  fragment.fragment = 0x2000;
  const std::vector<Bytes> packets{packet_of(first), packet_of(fragment), packet_of(second)};
  EXPECT_EQ(coalesced(packets).cut_up(), packets);
}

int flow_of(const Bytes& packet) {
  const std::size_t ports = packet[0] >> 4 == 4 ? 4U * (packet[0] & 15U) : 40U;
  return packet[ports] << 8 | packet[ports + 1];
}

// Packets of some flows, mixed: runs of neighbours with everything among them that can end a run.
std::vector<Bytes> random_traffic(std::mt19937_64& random, std::size_t flows) {
  std::vector<Parts> next(flows);
  for (std::size_t i = 0; i < flows; ++i) {
    next[i] = {.version = random() % 2 == 0 ? 4 : 6, .protocol = random() % 3 == 0 ? 17 : 6};
    next[i].source_port = 2000 + static_cast<int>(i);
    next[i].fragment = random() % 2 == 0 ? 0x4000 : 0;
    next[i].sequence = static_cast<std::uint32_t>(random());
    next[i].identification = static_cast<std::uint16_t>(random());
    if (next[i].protocol == 6 && random() % 2 == 0) next[i].tcp_options = Bytes(12, 1);
  }
  std::vector<Bytes> packets;
  for (int count = 0; count < 400; ++count) {
    Parts& parts = next[random() % flows];
    const std::size_t chance = random() % 40;
    parts.payload = random_octets(chance == 0 ? random() % 300 : 200, random());
    parts.flags = chance == 1 ? static_cast<std::uint8_t>(random() & 0xfd) : 0x10;
    if (chance == 2) parts.acknowledgement += 1;
    if (chance == 3) parts.sequence += 7;
    if (chance == 4) parts.identification += 3;
    packets.push_back(packet_of(parts));
    if (chance == 5) packets.back()[packets.back().size() - 1] ^= 0x40;
    parts.sequence += static_cast<std::uint32_t>(parts.payload.size());
    parts.identification += 1;
  }
  return packets;
}

std::map<int, std::vector<Bytes>> by_flow(const std::vector<Bytes>& packets) {
  std::map<int, std::vector<Bytes>> sorted;
  for (const Bytes& packet : packets) {
    Bytes one = packet;
    // Of what may not be fragmented the identification means nothing.
    const bool is_atomic = one[0] == 0x45 && (one[6] & 0x40) != 0;
    if (is_atomic) std::fill(one.begin() + 4, one.begin() + 6, std::uint8_t{0});
    if (is_atomic) std::fill(one.begin() + 10, one.begin() + 12, std::uint8_t{0});
    sorted[flow_of(packet)].push_back(std::move(one));
  }
  return sorted;
}

TEST(Coalescer, GivesEveryFlowBackInOrderAndUnchangedWhenCut) {
  std::size_t supers = 0;
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    std::mt19937_64 random{seed};
    const std::vector<Bytes> packets = random_traffic(random, 1 + seed % 24);
    const Kept kept = coalesced(packets);
    ASSERT_EQ(by_flow(kept.cut_up()), by_flow(packets)) << "seed " << seed;
    supers += kept.supers();
  }
  EXPECT_GT(supers, 500U);
}

TEST(Coalescer, KeepsNothingAfterAFlush) {
  Coalescer coalescer;
  Kept kept;
  const auto [first, second] = neighbours();
  coalescer.add({.octets = packet_of(first)}, kept);
  coalescer.flush(kept);
  coalescer.add({.octets = packet_of(second)}, kept);
  coalescer.flush(kept);
  coalescer.flush(kept);
  EXPECT_EQ(kept.all.size(), 2U);
  EXPECT_EQ(kept.supers(), 0U);
}

}  // namespace
}  // namespace isthmus
