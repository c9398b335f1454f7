#include "session/receive_reporter.h"

#include <gtest/gtest.h>

namespace isthmus::session {
namespace {

using std::chrono::milliseconds;

constexpr Instant kStart{std::chrono::hours{1}};

TEST(ReceiveReporter, OwesNothingBeforeTheFirstPacket) {
  const ReceiveReporter reporter;
  EXPECT_FALSE(reporter.is_due(kStart));
  EXPECT_FALSE(reporter.next_deadline());
}

TEST(ReceiveReporter, IsDueTwoMillisecondsAfterTheFirstUnreportedPacket) {
  ReceiveReporter reporter;
  reporter.packets_received(kStart, 100);
  reporter.packets_received(kStart + milliseconds{1}, 100);
  EXPECT_EQ(reporter.next_deadline(), kStart + milliseconds{2});
  EXPECT_FALSE(reporter.is_due(kStart + milliseconds{2} - Duration{1}));
  EXPECT_TRUE(reporter.is_due(kStart + milliseconds{2}));
}

TEST(ReceiveReporter, IsDueAtOnceWhenMuchHasCome) {
  ReceiveReporter reporter;
  reporter.packets_received(kStart, ReceiveReporter::kOctets - 1);
  EXPECT_FALSE(reporter.is_due(kStart));
  reporter.packets_received(kStart, 1);
  EXPECT_TRUE(reporter.is_due(kStart));
  EXPECT_EQ(reporter.next_deadline(), kStart);
}

TEST(ReceiveReporter, OwesNothingAfterAReport) {
  ReceiveReporter reporter;
  reporter.packets_received(kStart, ReceiveReporter::kOctets);
  reporter.reported();
  EXPECT_FALSE(reporter.is_due(kStart + milliseconds{5}));
  EXPECT_FALSE(reporter.next_deadline());
}

TEST(ReceiveReporter, CountsAnewAfterAReport) {
  ReceiveReporter reporter;
  reporter.packets_received(kStart, ReceiveReporter::kOctets);
  reporter.reported();
  reporter.packets_received(kStart + milliseconds{5}, 1);
  EXPECT_EQ(reporter.next_deadline(), kStart + milliseconds{7});
}

}  // namespace
}  // namespace isthmus::session
