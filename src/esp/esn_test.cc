#include "esp/esn.h"

#include <gtest/gtest.h>

#include "base/seeded_random.h"

namespace isthmus::esp {
namespace {

constexpr auto kWindow = static_cast<std::uint32_t>(ReplayWindow::kSize);

TEST(Esn, KeepsTheSubspaceAboveTheBottomOfTheWindow) {
  const SequenceNumber highest{3, kWindow + 1000};
  EXPECT_EQ(infer_sequence(highest, 1001), (SequenceNumber{3, 1001}));
  EXPECT_EQ(infer_sequence(highest, 0xffffffff), (SequenceNumber{3, 0xffffffff}));
}

TEST(Esn, GoesToTheNextSubspaceBelowTheBottomOfTheWindow) {
  EXPECT_EQ(infer_sequence(SequenceNumber{3, kWindow + 1000}, 1000), (SequenceNumber{4, 1000}));
}

TEST(Esn, ReachesBackIntoTheSubspaceBeforeWhenTheWindowDoes) {
  const SequenceNumber highest{3, 10};
  EXPECT_EQ(infer_sequence(highest, 0xffffffff), (SequenceNumber{2, 0xffffffff}));
  EXPECT_EQ(infer_sequence(highest, 11U - kWindow), (SequenceNumber{2, 11U - kWindow}));
  EXPECT_EQ(infer_sequence(highest, 10U - kWindow), (SequenceNumber{3, 10U - kWindow}));
}

TEST(Esn, KnowsNothingBeforeTheFirstPacket) {
  EXPECT_EQ(infer_sequence(SequenceNumber{}, 1), (SequenceNumber{0, 1}));
  EXPECT_EQ(infer_sequence(SequenceNumber{}, 0xffffffff), std::nullopt);
  EXPECT_EQ(infer_sequence(SequenceNumber{0, 5}, 0xfffffff0), std::nullopt);
}

// From any state, every number from the bottom of the window up to 2^32 - W behind its top is found.
TEST(Esn, FindsWhateverIsNearEnough) {
  SeededRandom random{7};
  for (int i = 0; i < 100000; ++i) {
    const std::uint64_t highest = (std::uint64_t{1} << 33) + random.u64() % (std::uint64_t{1} << 34);
    const std::uint64_t bottom = highest - kWindow + 1;
    const std::uint64_t sent = bottom + random.u64() % (std::uint64_t{1} << 32);
    ASSERT_EQ(infer_sequence(SequenceNumber{highest}, static_cast<std::uint32_t>(sent)), SequenceNumber{sent})
        << highest;
  }
}

}  // namespace
}  // namespace isthmus::esp
