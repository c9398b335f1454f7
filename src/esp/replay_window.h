// Which sequence numbers of an SA have been received (RFC 4303 section 3.4.3), as the ring of RFC 6479: a
// number has its place in the ring for good, and words are cleared as the window slides over them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "esp/sequence_number.h"

namespace isthmus::esp {

class ReplayWindow {
 public:
  static constexpr std::size_t kRing = 8192;
  static constexpr std::size_t kWord = 64;
  // One word is always partly behind the window and partly ahead of it, so it does not count (RFC 6479
  // section 2).
  static constexpr std::uint64_t kSize = kRing - kWord;

  // The window of an SA whose highest number so far is `highest`; no other number up to it counts as
  // received.
  explicit ReplayWindow(SequenceNumber highest = {}) : highest_(highest) {
    if (highest != SequenceNumber{}) set(highest);
  }

  // True if `number` has not been committed and is not so old that nobody knows. 0 is never sent.
  [[nodiscard]] bool is_fresh(SequenceNumber number) const {
    if (number == SequenceNumber{}) return false;
    if (number > highest_) return true;
    const bool is_inside = highest_.value() - number.value() < kSize;
    return is_inside && (word_of(number) & bit_of(number)) == 0;
  }

  // `number` has been received; call it only for a fresh number whose packet is authentic.
  void commit(SequenceNumber number) {
    if (number > highest_) slide_to(number);
    set(number);
  }

  // 0 if nothing has been received.
  [[nodiscard]] SequenceNumber highest() const { return highest_; }

 private:
  static constexpr std::size_t kWords = kRing / kWord;

  static std::size_t index_of(SequenceNumber number) { return number.value() / kWord % kWords; }
  static std::uint64_t bit_of(SequenceNumber number) { return std::uint64_t{1} << (number.value() % kWord); }
  [[nodiscard]] std::uint64_t word_of(SequenceNumber number) const { return ring_[index_of(number)]; }
  void set(SequenceNumber number) { ring_[index_of(number)] |= bit_of(number); }

  void slide_to(SequenceNumber number) {
    const std::uint64_t from = highest_.value() / kWord;
    const std::uint64_t words = number.value() / kWord - from;
    for (std::uint64_t i = 1; i <= words && i <= kWords; ++i) ring_[(from + i) % kWords] = 0;
    highest_ = number;
  }

  SequenceNumber highest_;
  std::array<std::uint64_t, kWords> ring_{};
};

}  // namespace isthmus::esp
