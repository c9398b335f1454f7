#include "esp/sa_table.h"

#include <gtest/gtest.h>

#include "esp/test_sas.h"

namespace isthmus::esp {
namespace {

using namespace test;

TEST(SaTable, FindsWhatIsThereAndNothingElse) {
  SaTable table{8};
  for (std::uint32_t i = 0; i < 4; ++i) {
    const SaParameters sa = parameters(0x500 + i);
    ASSERT_TRUE(table.add({.generation = Generation{i / 2},
                           .sa = InboundSa{{.spi = sa.spi, .is_esn = false, .highest = {}}, cipher_of(sa)}}));
  }
  EXPECT_EQ(table.find(Spi{0x502})->sa.spi(), Spi{0x502});
  EXPECT_EQ(table.find(Spi{0x504}), nullptr);
  table.retire(Generation{0});
  EXPECT_EQ(table.find(Spi{0x501}), nullptr);
  EXPECT_EQ(table.find(Spi{0x503})->generation, Generation{1});
  table.retire(Generation{0});
  EXPECT_EQ(table.all().size(), 2U);
}

}  // namespace
}  // namespace isthmus::esp
