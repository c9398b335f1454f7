// Memory for queued packets: one fixed piece, handed out in blocks of 256 octets times a power of two.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace isthmus::session {

// A buddy allocator: nothing is asked of the heap after construction, and blocks that are free side by side
// become one again. Small blocks have a quarter of the memory to themselves and come from nowhere else, so
// that no flood of small packets scatters over all of it and leaves no room for a large one. The pages of a
// block that was never used are never touched.
class PacketArena {
 public:
  static constexpr std::size_t kCell = 256;           // the smallest block
  static constexpr std::size_t kLargest = 64 * 1024;  // holds every packet (kMaxPacket)

  enum class Zone : std::uint8_t { kSmall, kLarge };
  static constexpr std::size_t kSmall = 1024;  // blocks up to this size are small

  // A block, named by its first cell. Blocks in use have distinct names below `cells()`.
  using Block = std::uint32_t;

  // `octets` is rounded up to a multiple of kLargest.
  explicit PacketArena(std::size_t octets);

  // A block of at least `octets`, which are 1 to kLargest; empty when none is free.
  std::optional<Block> allocate(std::size_t octets);
  // `block` comes from allocate() and was not released since.
  void release(Block block);

  [[nodiscard]] MutableBytes octets_of(Block block) {
    return {memory_.get() + std::size_t{block} * kCell, size_of(block)};
  }
  // Where a block of so many octets would come from, and where this one came from.
  [[nodiscard]] Zone zone_for(std::size_t octets) const {
    return octets <= kSmall && small_cells_ > 0 ? Zone::kSmall : Zone::kLarge;
  }
  [[nodiscard]] Zone zone_of(Block block) const { return block < small_cells_ ? Zone::kSmall : Zone::kLarge; }
  [[nodiscard]] std::size_t size_of(Block block) const { return kCell << cells_[block].order; }
  [[nodiscard]] std::size_t cells() const { return cells_.size(); }

 private:
  static constexpr std::uint8_t kOrders = 9;
  static constexpr std::uint8_t kTopOrder = kOrders - 1;
  static constexpr Block kNone = ~Block{0};
  static_assert(kCell << kTopOrder == kLargest);

  // Says something only of a cell that begins a block.
  struct Cell {
    Block next = kNone;  // in the list of free blocks of its order
    Block previous = kNone;
    std::uint8_t order = 0;
    bool is_free = false;
  };

  Block& first_free(Zone zone, std::uint8_t order) { return free_[std::to_underlying(zone)][order]; }
  void put_free(Block block, std::uint8_t order);
  void take_free(Block block);

  std::vector<Cell> cells_;
  std::size_t small_cells_;  // the first ones; none where there is too little to share
  std::array<std::array<Block, kOrders>, 2> free_{};  // the first of each list, by zone
  std::unique_ptr<std::uint8_t[]> memory_;
};

}  // namespace isthmus::session
