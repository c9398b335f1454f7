#include "crypto/secret.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <ostream>
#include <type_traits>
#include <utility>

namespace isthmus::crypto {
namespace {

using Key = Secret<32>;

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };

static_assert(!std::is_copy_constructible_v<Key> && !std::is_copy_assignable_v<Key>);
static_assert(std::is_nothrow_move_constructible_v<Key> && std::is_nothrow_move_assignable_v<Key>);
static_assert(!Printable<Key> && !std::equality_comparable<Key>);
static_assert(!std::is_convertible_v<Key, ConstBytes> && !std::is_constructible_v<ConstBytes, Key>);

Key filled(std::uint8_t octet) {
  Key key;
  std::ranges::fill(key.writable(), octet);
  return key;
}

bool is_all(ConstBytes octets, std::uint8_t wanted) {
  return std::ranges::all_of(octets, [wanted](std::uint8_t octet) { return octet == wanted; });
}

TEST(Secret, IsZeroAtFirst) {
  EXPECT_TRUE(is_all(Key{}.reveal(), 0));
}

TEST(Secret, MovesIntoANewOneAndLeavesTheOldWithoutAny) {
  Key from = filled(7);
  const Key to{std::move(from)};
  EXPECT_TRUE(is_all(to.reveal(), 7));
  EXPECT_TRUE(from.reveal().empty());  // NOLINT(bugprone-use-after-move): what is left is the promise
}

TEST(Secret, MovesOverAnotherAndLeavesTheOldWithoutAny) {
  Key from = filled(7);
  Key to = filled(9);
  to = std::move(from);
  EXPECT_TRUE(is_all(to.reveal(), 7));
  EXPECT_TRUE(from.reveal().empty());  // NOLINT(bugprone-use-after-move): what is left is the promise
}

TEST(Secret, SurvivesBeingMovedOntoItself) {
  Key key = filled(7);
  Key& same = key;
  key = std::move(same);
  EXPECT_TRUE(is_all(key.reveal(), 7));
}

}  // namespace
}  // namespace isthmus::crypto
