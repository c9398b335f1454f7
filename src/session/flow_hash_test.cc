#include "session/flow_hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "session/ecn.h"
#include "session/queue_packets.h"

namespace isthmus::session {
namespace {

constexpr std::uint64_t kSeed = 0x1234567;

TEST(FlowHash, TellsPortsApart) {
  for (const auto make : {ipv4_packet, ipv6_packet})
    EXPECT_NE(flow_hash(kSeed, make({.flow = 1})), flow_hash(kSeed, make({.flow = 2})));
}

TEST(FlowHash, IsTheSameForAllPacketsOfAFlow) {
  for (const auto make : {ipv4_packet, ipv6_packet})
    EXPECT_EQ(flow_hash(kSeed, make({.size = 1500, .ecn = 1})),
              flow_hash(kSeed, make({.size = 64, .tag = 3})));
}

TEST(FlowHash, TellsAddressesApart) {
  for (const auto& [make, at] :
       {std::pair{&ipv4_packet, 19}, {&ipv4_packet, 12}, {&ipv6_packet, 8}, {&ipv6_packet, 39}}) {
    Bytes other = make({});
    other[static_cast<std::size_t>(at)] ^= 1;
    EXPECT_NE(flow_hash(kSeed, make({})), flow_hash(kSeed, other)) << at;
  }
}

TEST(FlowHash, TakesFragmentsByTheirAddressesAlone) {
  Bytes first = ipv4_packet({.flow = 1});
  Bytes last = ipv4_packet({.flow = 2});
  first[6] = 0x20;  // more fragments
  last[7] = 0x10;   // an offset
  EXPECT_EQ(flow_hash(kSeed, first), flow_hash(kSeed, last));

  first = ipv6_packet({.flow = 1});
  last = ipv6_packet({.flow = 2});
  first[6] = last[6] = 44;
  EXPECT_EQ(flow_hash(kSeed, first), flow_hash(kSeed, last));
}

TEST(FlowHash, DependsOnTheSeed) {
  std::set<std::uint64_t> queues;
  for (std::uint64_t seed = 0; seed < 64; ++seed) queues.insert(flow_hash(seed, ipv4_packet({})) % 1024);
  EXPECT_GT(queues.size(), 50U);
}

TEST(FlowHash, SpreadsFlowsOverTheQueues) {
  std::array<int, 1024> load{};
  for (unsigned flow = 0; flow < 16384; ++flow)
    ++load[flow_hash(kSeed, ipv4_packet({.flow = flow, .size = 64})) % 1024];
  // 16 each on the average, a standard deviation of 4.
  EXPECT_LT(*std::ranges::max_element(load), 40);
}

TEST(FlowHash, ReadsNothingBeyondAShortPacket) {
  for (const auto make : {ipv4_packet, ipv6_packet}) {
    const Bytes whole = make({.size = 64});
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_EQ(flow_hash(kSeed, cut), flow_hash(kSeed, cut));
    }
  }
}

TEST(Ecn, KeepsTheHeaderChecksumRight) {
  for (unsigned ecn = 1; ecn <= 3; ++ecn) {
    for (unsigned id = 0; id < 65536; id += 17) {
      Bytes packet = ipv4_packet({.size = 64, .ecn = ecn});
      packet[4] = static_cast<std::uint8_t>(id >> 8);
      packet[5] = static_cast<std::uint8_t>(id);
      packet[10] = packet[11] = 0;
      const unsigned checksum = header_checksum(ConstBytes{packet}.first(20));
      packet[10] = static_cast<std::uint8_t>(checksum >> 8);
      packet[11] = static_cast<std::uint8_t>(checksum);
      ASSERT_TRUE(mark_congestion(packet));
      ASSERT_EQ(header_checksum(ConstBytes{packet}.first(20)), 0U) << id;
    }
  }
}

TEST(Ecn, MarksWhoUnderstandsItAndNobodyElse) {
  for (const auto& [make, at, shift] : {std::tuple{&ipv4_packet, 1U, 0U}, {&ipv6_packet, 1U, 4U}}) {
    for (unsigned ecn = 0; ecn <= 3; ++ecn) {
      Bytes packet = make({.ecn = ecn});
      EXPECT_EQ(mark_congestion(packet), ecn != 0);
      EXPECT_EQ(packet[at] >> shift & 3U, ecn == 0 ? 0U : 3U);
    }
  }
}

TEST(Ecn, LeavesWhatIsNoIpPacketAlone) {
  Bytes packet(64, 0xff);
  EXPECT_FALSE(mark_congestion(packet));
  EXPECT_EQ(packet, Bytes(64, 0xff));
}

}  // namespace
}  // namespace isthmus::session
