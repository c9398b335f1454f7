#include "session/receive_reporter.h"

#include <gtest/gtest.h>

#include "session/stream_window.h"

namespace isthmus::session {
namespace {

using std::chrono::milliseconds;

constexpr Instant kStart{std::chrono::hours{1}};

TEST(ReceiveReporter, OwesNothingBeforeTheFirstPacket) {
  const ReceiveReporter reporter;
  EXPECT_FALSE(reporter.is_due(kStart));
  EXPECT_FALSE(reporter.next_deadline());
}

TEST(ReceiveReporter, IsDueAtOnceAfterASilence) {
  ReceiveReporter reporter;
  reporter.reported(kStart);
  reporter.packets_received(kStart + milliseconds{5}, 100);
  EXPECT_TRUE(reporter.is_due(kStart + milliseconds{5}));
}

TEST(ReceiveReporter, IsDueAnIntervalAfterTheReportBefore) {
  ReceiveReporter reporter;
  reporter.set_min_rtt(milliseconds{32});
  reporter.reported(kStart);
  reporter.packets_received(kStart + milliseconds{1}, 100);
  EXPECT_EQ(reporter.next_deadline(), kStart + milliseconds{2});
  EXPECT_FALSE(reporter.is_due(kStart + milliseconds{2} - Duration{1}));
  EXPECT_TRUE(reporter.is_due(kStart + milliseconds{2}));
}

// A window of this headroom would otherwise be closed by our waiting.
TEST(ReceiveReporter, LeavesMostOfTheHeadroomToThePath) {
  for (const Duration rtt :
       {Duration{0}, Duration{milliseconds{1}}, Duration{milliseconds{40}}, Duration{milliseconds{300}}})
    EXPECT_LE(ReceiveReporter::interval(rtt) * 2, StreamWindow::headroom(rtt));
}

TEST(ReceiveReporter, IsDueAtOnceWhenMuchHasCome) {
  ReceiveReporter reporter;
  reporter.reported(kStart);
  reporter.packets_received(kStart, ReceiveReporter::kOctets - 1);
  EXPECT_FALSE(reporter.is_due(kStart));
  reporter.packets_received(kStart, 1);
  EXPECT_TRUE(reporter.is_due(kStart));
  EXPECT_EQ(reporter.next_deadline(), kStart);
}

TEST(ReceiveReporter, OwesNothingAfterAReport) {
  ReceiveReporter reporter;
  reporter.packets_received(kStart, ReceiveReporter::kOctets);
  reporter.reported(kStart);
  EXPECT_FALSE(reporter.is_due(kStart + milliseconds{5}));
  EXPECT_FALSE(reporter.next_deadline());
}

TEST(ReceiveReporter, CountsAnewAfterAReport) {
  ReceiveReporter reporter;
  reporter.packets_received(kStart, ReceiveReporter::kOctets);
  reporter.reported(kStart);
  reporter.packets_received(kStart, 1);
  EXPECT_EQ(reporter.next_deadline(), kStart + ReceiveReporter::interval({}));
}

}  // namespace
}  // namespace isthmus::session
