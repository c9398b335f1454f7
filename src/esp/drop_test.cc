#include "esp/drop.h"

#include <gtest/gtest.h>

#include <set>

namespace isthmus::esp {
namespace {

TEST(Drop, HasAWordOfItsOwnForEachReason) {
  std::set<std::string_view> words;
  for (std::size_t i = 0; i < kDropCount; ++i) words.insert(name_of(static_cast<Drop>(i)));
  EXPECT_EQ(words.size(), kDropCount);
  EXPECT_FALSE(words.contains("unknown"));
}

}  // namespace
}  // namespace isthmus::esp
