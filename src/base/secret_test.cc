#include "base/secret.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <ostream>
#include <type_traits>
#include <utility>

namespace isthmus {
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

// The octets as memory has them, whatever the compiler thinks it knows of an object that is gone.
bool is_memory_zero(const volatile unsigned char* memory, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i)
    if (memory[i] != 0) return false;
  return true;
}

TEST(Secret, IsZeroAtFirst) {
  EXPECT_TRUE(is_all(Key{}.reveal(), 0));
}

TEST(Secret, IsWipedWhenItGoes) {
  alignas(Key) unsigned char memory[sizeof(Key)];
  Key* const key = std::construct_at(reinterpret_cast<Key*>(memory));
  std::ranges::fill(key->writable(), std::uint8_t{0x5a});
  ASSERT_FALSE(is_memory_zero(memory, sizeof memory));
  std::destroy_at(key);
  EXPECT_TRUE(is_memory_zero(memory, sizeof memory));
}

TEST(Secret, MovesIntoANewOneAndWipesTheOld) {
  Key from = filled(7);
  const Key to{std::move(from)};
  EXPECT_TRUE(is_all(to.reveal(), 7));
  EXPECT_TRUE(is_all(from.reveal(), 0));  // NOLINT(bugprone-use-after-move): what is left is the promise
}

TEST(Secret, MovesOverAnotherAndWipesTheOld) {
  Key from = filled(7);
  Key to = filled(9);
  to = std::move(from);
  EXPECT_TRUE(is_all(to.reveal(), 7));
  EXPECT_TRUE(is_all(from.reveal(), 0));  // NOLINT(bugprone-use-after-move): what is left is the promise
}

TEST(Secret, SurvivesBeingMovedOntoItself) {
  Key key = filled(7);
  Key& same = key;
  key = std::move(same);
  EXPECT_TRUE(is_all(key.reveal(), 7));
}

}  // namespace
}  // namespace isthmus
