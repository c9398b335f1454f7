#include "session/flow_hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

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

}  // namespace
}  // namespace isthmus::session
