#include "session/packet_arena.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace isthmus::session {
namespace {

constexpr std::size_t kTwoPieces = 2 * PacketArena::kLargest;

TEST(PacketArena, GivesTheSmallestBlockThatHoldsAPacket) {
  PacketArena arena(kTwoPieces);
  for (const auto& [octets, size] :
       {std::pair{1U, 256U}, {256U, 256U}, {257U, 512U}, {1500U, 2048U}, {65535U, 65536U}}) {
    const auto block = arena.allocate(octets);
    ASSERT_TRUE(block);
    EXPECT_EQ(arena.size_of(*block), size) << octets;
    arena.release(*block);
  }
}

TEST(PacketArena, HoldsAsManySmallPacketsAsItHasCells) {
  PacketArena arena(kTwoPieces);
  std::size_t given = 0;
  while (arena.allocate(64)) ++given;
  EXPECT_EQ(given, kTwoPieces / PacketArena::kCell);
}

TEST(PacketArena, MakesLargeBlocksOfSmallOnesThatCameBack) {
  PacketArena arena(kTwoPieces);
  std::vector<PacketArena::Block> blocks;
  while (const auto block = arena.allocate(64)) blocks.push_back(*block);
  std::shuffle(blocks.begin(), blocks.end(), std::mt19937{7});
  for (const auto block : blocks) arena.release(block);
  EXPECT_TRUE(arena.allocate(65536) && arena.allocate(65536) && !arena.allocate(1));
}

TEST(PacketArena, NeverGivesTheSameMemoryTwice) {
  std::mt19937 random{11};
  PacketArena arena(4 * PacketArena::kLargest);
  std::vector<std::pair<PacketArena::Block, std::uint8_t>> used;
  for (int turn = 0; turn < 20000; ++turn) {
    const auto block =
        random() % 2 == 0 ? arena.allocate(1 + random() % (1U << random() % 17)) : std::nullopt;
    if (block) {
      const auto tag = static_cast<std::uint8_t>(random());
      std::ranges::fill(arena.octets_of(*block), tag);
      used.emplace_back(*block, tag);
    } else if (!used.empty()) {
      std::swap(used[random() % used.size()], used.back());
      const auto [old, tag] = used.back();
      ASSERT_EQ(std::ranges::count(arena.octets_of(old), tag),
                static_cast<std::ptrdiff_t>(arena.size_of(old)));
      arena.release(old);
      used.pop_back();
    }
  }
}

}  // namespace
}  // namespace isthmus::session
