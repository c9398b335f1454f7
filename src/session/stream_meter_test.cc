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
  meter_.begin(now_, 120);
  ASSERT_TRUE(meter_.is_report_due(now_));
  EXPECT_EQ(meter_.report(130, 500).sent, 130U);
  EXPECT_FALSE(meter_.is_report_due(now_ + std::chrono::hours{1}));
}

TEST_F(StreamMeterTest, ClaimsNothingBeforeThePeerHasSaidWhereItsOctetsAre) {
  meter_.begin(now_, 0);
  EXPECT_EQ(meter_.report(0, 5000).received, 0U);
}

TEST_F(StreamMeterTest, TakesTheTextOfALoginOffItsCount) {
  meter_.begin(now_, 0);
  meter_.hear(now_, {.sent = 40, .received = 0}, 1040);  // a thousand octets of text came before
  EXPECT_EQ(meter_.report(0, 1540).received, 540U);
}

TEST_F(StreamMeterTest, BelievesNoPeerThatSentMoreThanCame) {
  meter_.begin(now_, 0);
  meter_.hear(now_, {.sent = 10, .received = 0}, 40);
  meter_.hear(now_, {.sent = ~std::uint64_t{0}, .received = 0}, 90);
  EXPECT_EQ(meter_.report(0, 100).received, 70U);
}

TEST_F(StreamMeterTest, ClosesWhenNothingArrivesAndOpensWithAReport) {
  meter_.begin(now_, 0);
  const std::uint64_t much = StreamWindow::kInitial * 2;
  meter_.queued(now_, much);
  EXPECT_EQ(meter_.room(), 0U);
  meter_.hear(now_ + milliseconds{40}, {.sent = 0, .received = much}, 0);
  EXPECT_GT(meter_.room(), 0U);
}

TEST_F(StreamMeterTest, ReportsAfterPackets) {
  meter_.begin(now_, 0);
  std::ignore = meter_.report(0, 0);
  meter_.packet_received(now_, 100);
  EXPECT_EQ(meter_.next_deadline(), now_ + ReceiveReporter::kDelay);
  EXPECT_TRUE(meter_.is_report_due(now_ + ReceiveReporter::kDelay));
}

}  // namespace
}  // namespace isthmus::session
