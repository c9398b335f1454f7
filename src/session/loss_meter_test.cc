#include "session/loss_meter.h"

#include <gtest/gtest.h>

#include <tuple>

namespace isthmus::session {
namespace {

constexpr Instant kBegin{std::chrono::seconds{1000}};
constexpr esp::Generation kFirst{1}, kSecond{2};

PathReport report_of(std::uint64_t packets, std::optional<std::uint64_t> highest) {
  return {{{kFirst, packets, highest}}, std::nullopt};
}

TEST(LossMeter, TellsWhatIsMissingOfTheNumbersThatThePeerHasSeen) {
  LossMeter meter;
  std::ignore = meter.report(kBegin, report_of(100, 100));
  std::ignore = meter.take_loss();
  std::ignore = meter.report(kBegin + LossMeter::kWindow / 2, report_of(140, 150));
  EXPECT_EQ(meter.take_loss(), std::nullopt) << "the window is not over";
  std::ignore = meter.report(kBegin + LossMeter::kWindow, report_of(175, 200));
  EXPECT_EQ(meter.take_loss(), 250U);
}

TEST(LossMeter, TellsOfAWindowOnce) {
  LossMeter meter;
  std::ignore = meter.report(kBegin, report_of(100, 200));
  EXPECT_EQ(meter.take_loss(), 500U);
  EXPECT_EQ(meter.take_loss(), std::nullopt);
  EXPECT_EQ(meter.per_mille(), 500U);
}

TEST(LossMeter, SaysNothingOfAWindowWithFewPackets) {
  LossMeter meter;
  std::ignore = meter.report(kBegin, report_of(1, LossMeter::kLeastPackets - 1));
  EXPECT_EQ(meter.take_loss(), std::nullopt);
}

TEST(LossMeter, CountsEachGenerationFromItsOwnBegin) {
  LossMeter meter;
  std::ignore = meter.report(kBegin, report_of(100, 100));
  std::ignore =
      meter.report(kBegin + LossMeter::kWindow, {{{kFirst, 110, 110}, {kSecond, 10, 10}}, std::nullopt});
  EXPECT_EQ(meter.take_loss(), 0U);
  std::ignore = meter.report(kBegin + 2 * LossMeter::kWindow, {{{kSecond, 15, 20}}, std::nullopt});
  EXPECT_EQ(meter.take_loss(), 500U);
}

TEST(LossMeter, MeasuresNothingWhereThePeerTellsNoNumbers) {
  LossMeter meter;
  EXPECT_TRUE(meter.report(kBegin, report_of(100, std::nullopt)));
  EXPECT_EQ(meter.take_loss(), std::nullopt);
}

TEST(LossMeter, TakesCountsThatCannotBeForNoLoss) {
  LossMeter meter;
  std::ignore = meter.report(kBegin, report_of(100, 20));
  EXPECT_EQ(meter.take_loss(), 0U);
}

TEST(LossMeter, TellsWhetherAnythingHasArrived) {
  LossMeter meter;
  EXPECT_TRUE(meter.report(kBegin, report_of(1, 1)));
  EXPECT_FALSE(meter.report(kBegin, report_of(1, 1)));
  EXPECT_FALSE(meter.report(kBegin, report_of(0, 0))) << "counts do not go back";
}

TEST(LossMeter, TellsAtOnceOfAReportOfWhichMostIsLost) {
  constexpr Duration kHalf = std::chrono::milliseconds{500};
  const auto of = [](std::uint64_t packets, std::uint64_t highest) {
    return PathReport{{{esp::Generation{1}, packets, highest}}, std::nullopt};
  };
  LossMeter loss;
  (void)loss.report(kBegin, of(100, 100));
  (void)loss.take_loss();
  (void)loss.report(kBegin + kHalf, of(103, 113));
  EXPECT_EQ(loss.take_loss(), 769U);
  (void)loss.report(kBegin + 2 * kHalf, of(120, 140));
  EXPECT_EQ(loss.take_loss(), std::nullopt) << "a third is a matter of the window";
  (void)loss.report(kBegin + 3 * kHalf, of(121, 149));
  EXPECT_EQ(loss.take_loss(), std::nullopt) << "a handful says nothing";
}

}  // namespace
}  // namespace isthmus::session
