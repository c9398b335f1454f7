#include "session/stream_meter.h"

#include <gtest/gtest.h>

namespace isthmus::session {
namespace {

using std::chrono::milliseconds;

class StreamMeterTest : public testing::Test {
 protected:
  Instant now_{std::chrono::hours{1}};
  StreamMeter meter_;
};

TEST_F(StreamMeterTest, BoundsNothingBeforeItBegins) {
  EXPECT_EQ(meter_.room(), std::numeric_limits<std::size_t>::max());
  EXPECT_FALSE(meter_.is_report_due(now_));
}

TEST_F(StreamMeterTest, ReportsAtOnceWhereItsOwnOctetsAre) {
  meter_.begin(120);
  ASSERT_TRUE(meter_.is_report_due(now_));
  EXPECT_EQ(meter_.report(now_, 130, 500).sent, 130U);
  EXPECT_FALSE(meter_.is_report_due(now_ + std::chrono::hours{1}));
}

TEST_F(StreamMeterTest, ClaimsNothingBeforeThePeerHasSaidWhereItsOctetsAre) {
  meter_.begin(0);
  EXPECT_EQ(meter_.report(now_, 0, 5000).received, 0U);
}

TEST_F(StreamMeterTest, TakesTheTextOfALoginOffItsCount) {
  meter_.begin(0);
  meter_.hear(now_, {.sent = 40, .received = 0}, 1040);  // a thousand octets of text came before
  EXPECT_EQ(meter_.report(now_, 0, 1540).received, 540U);
}

// A login may also eat octets of the peer's.
TEST_F(StreamMeterTest, CountsOctetsThatNeverCameAsThePeerDoes) {
  meter_.begin(0);
  meter_.hear(now_, {.sent = 500, .received = 0}, 400);
  EXPECT_EQ(meter_.report(now_, 0, 5400).received, 5500U);
}

TEST_F(StreamMeterTest, KnowsWhereThePeerIsFromAReportBeforeItBegan) {
  meter_.hear(now_, {.sent = 40, .received = 0}, 1040);
  meter_.begin(0);
  EXPECT_EQ(meter_.report(now_, 0, 1540).received, 540U);
}

// What it said before was of nothing, and no packet may come that makes another due.
TEST_F(StreamMeterTest, ReportsOnceMoreWhenItLearnsWhereThePeerIs) {
  meter_.begin(0);
  std::ignore = meter_.report(now_, 0, 1000);
  meter_.hear(now_, {.sent = 40, .received = 0}, 1040);
  ASSERT_TRUE(meter_.is_report_due(now_));
  std::ignore = meter_.report(now_, 0, 1540);
  meter_.hear(now_, {.sent = 60, .received = 0}, 1060);
  EXPECT_FALSE(meter_.is_report_due(now_));
}

TEST_F(StreamMeterTest, MissesNothingThatWasSentBeforeItBegan) {
  meter_.begin(StreamWindow::kInitial * 10);
  EXPECT_EQ(meter_.window()->undelivered(), 0U);
  EXPECT_GT(meter_.room(), 0U);
}

TEST_F(StreamMeterTest, ClosesWhenNothingArrivesAndOpensWithAReport) {
  meter_.begin(0);
  const std::uint64_t much = StreamWindow::kInitial * 2;
  meter_.queued(now_, much);
  EXPECT_EQ(meter_.room(), 0U);
  meter_.hear(now_ + milliseconds{40}, {.sent = 0, .received = much}, 0);
  EXPECT_GT(meter_.room(), 0U);
}

TEST_F(StreamMeterTest, ReportsAfterPackets) {
  meter_.begin(0);
  std::ignore = meter_.report(now_, 0, 0);
  meter_.packet_received(now_, 100);
  EXPECT_FALSE(meter_.is_report_due(now_));
  ASSERT_TRUE(meter_.next_deadline());
  EXPECT_TRUE(meter_.is_report_due(*meter_.next_deadline()));
}

}  // namespace
}  // namespace isthmus::session
