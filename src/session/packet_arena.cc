#include "session/packet_arena.h"

#include <bit>

#include "base/check.h"

namespace isthmus::session {

PacketArena::PacketArena(std::size_t octets)
    : cells_((octets + kLargest - 1) / kLargest * (kLargest / kCell)),
      small_cells_(cells_.size() / (kLargest / kCell) / 4 * (kLargest / kCell)),
      memory_(std::make_unique_for_overwrite<std::uint8_t[]>(cells_.size() * kCell)) {
  for (auto& lists : free_) lists.fill(kNone);
  const auto step = static_cast<Block>(kLargest / kCell);
  for (auto block = static_cast<Block>(cells_.size()); block >= step;) {
    block -= step;
    put_free(block, kTopOrder);
  }
}

std::optional<PacketArena::Block> PacketArena::allocate(std::size_t octets) {
  CHECK(octets > 0 && octets <= kLargest);
  const auto wanted = static_cast<std::uint8_t>(std::bit_width((octets - 1) / kCell));

  std::uint8_t order = wanted;
  const Zone zone = zone_for(octets);
  while (order < kOrders && first_free(zone, order) == kNone) ++order;
  if (order == kOrders) return std::nullopt;

  const Block block = first_free(zone, order);
  take_free(block);
  // The upper halves go back until the block is no larger than it has to be.
  while (order > wanted) {
    --order;
    put_free(block + (Block{1} << order), order);
  }
  cells_[block].order = wanted;
  return block;
}

void PacketArena::release(Block block) {
  std::uint8_t order = cells_[block].order;
  while (order < kTopOrder) {
    const Block buddy = block ^ (Block{1} << order);
    if (!cells_[buddy].is_free || cells_[buddy].order != order) break;
    take_free(buddy);
    block &= ~(Block{1} << order);
    ++order;
  }
  put_free(block, order);
}

void PacketArena::put_free(Block block, std::uint8_t order) {
  Block& first = first_free(zone_of(block), order);
  cells_[block] = {.next = first, .previous = kNone, .order = order, .is_free = true};
  if (first != kNone) cells_[first].previous = block;
  first = block;
}

void PacketArena::take_free(Block block) {
  Cell& cell = cells_[block];
  if (cell.previous != kNone) cells_[cell.previous].next = cell.next;
  if (cell.previous == kNone) first_free(zone_of(block), cell.order) = cell.next;
  if (cell.next != kNone) cells_[cell.next].previous = cell.previous;
  cell.is_free = false;
}

}  // namespace isthmus::session
