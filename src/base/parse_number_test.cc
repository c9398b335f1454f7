#include "base/parse_number.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace isthmus {
namespace {

TEST(ParseNumber, TakesTheWholeOfAText) {
  EXPECT_EQ(parse_number<int>("-12"), -12);
  EXPECT_EQ(parse_number<std::uint16_t>("65535"), 65535);
  EXPECT_EQ(parse_number<std::uint32_t>("fF", 16), 255U);
}

TEST(ParseNumber, TakesNothingElse) {
  for (const char* text : {"", " 1", "1 ", "+1", "-1", "0x1", "1x", "x"})
    EXPECT_FALSE(parse_number<std::uint32_t>(text)) << text;
}

TEST(ParseNumber, TakesNothingThatItsTypeDoesNotHold) {
  EXPECT_FALSE(parse_number<std::uint16_t>("65536"));
  EXPECT_FALSE(parse_number<std::int32_t>("2147483648"));
}

}  // namespace
}  // namespace isthmus
