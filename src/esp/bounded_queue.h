// A queue without heap: what does not fit is refused.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

namespace isthmus::esp {

template <typename T, std::size_t N>
class BoundedQueue {
 public:
  // False if N elements wait already.
  [[nodiscard]] bool push(const T& element) {
    if (size_ == N) return false;
    elements_[(first_ + size_++) % N] = element;
    return true;
  }

  // The oldest.
  [[nodiscard]] std::optional<T> take() {
    if (size_ == 0) return std::nullopt;
    const std::size_t taken = first_;
    first_ = (first_ + 1) % N;
    --size_;
    return elements_[taken];
  }

 private:
  std::array<T, N> elements_{};
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace isthmus::esp
