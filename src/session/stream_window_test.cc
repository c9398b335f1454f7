#include "session/stream_window.h"

#include <gtest/gtest.h>

#include <deque>

namespace isthmus::session {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart{std::chrono::hours{1}};

// A stream of a fixed rate and delay; what it delivers is reported at once.
class Path {
 public:
  explicit Path(double rate, Duration rtt = milliseconds{40}) : rate_(rate), rtt_(rtt) {}

  // Sends packets of 1500 octets whenever there is room, up to `most` octets in all each millisecond.
  void fill(Duration time, std::uint64_t most = ~std::uint64_t{0}) {
    for (const Instant end = now_ + time; now_ < end; now_ += microseconds{100}) {
      while (!reports_.empty() && reports_.front().first <= now_) {
        window.reported(reports_.front().first, reports_.front().second);
        reports_.pop_front();
      }
      const bool is_turn = (now_ - kStart) % milliseconds{1} == Duration{};
      std::uint64_t left = is_turn || most > 1'000'000 ? most : 0;
      while (window.is_open(now_) && left >= 1500) {
        send(1500);
        left -= 1500;
      }
      if (window.is_open(now_)) window.left_open();
    }
  }

  void send(std::uint64_t octets) {
    position_ += octets;
    window.sent(now_, position_);
    most_undelivered = std::max(most_undelivered, window.undelivered());
    free_at_ = std::max(free_at_, now_) +
               Duration{static_cast<Duration::rep>(static_cast<double>(octets) / rate_ * 1e9)};
    reports_.emplace_back(free_at_ + rtt_, position_);
  }

  // Nothing is reported for `time`; then everything at once.
  void stall(Duration time) {
    for (auto& report : reports_) report.first = std::max(report.first, now_ + time);
    free_at_ = std::max(free_at_, now_ + time - rtt_);
  }

  void set_rate(double rate) { rate_ = rate; }
  void set_rtt(Duration rtt) { rtt_ = rtt; }
  [[nodiscard]] std::uint64_t delivered() const { return position_ - window.undelivered(); }

  StreamWindow window;
  std::uint64_t most_undelivered = 0;

 private:
  double rate_;
  Duration rtt_;
  Instant now_ = kStart;
  Instant free_at_{};
  std::uint64_t position_ = 0;
  std::deque<std::pair<Instant, std::uint64_t>> reports_;
};

constexpr double kMbit = 125000;

TEST(StreamWindow, OpensWithTheInitialWindow) {
  StreamWindow window;
  EXPECT_EQ(window.room(), StreamWindow::kInitial);
  window.sent(kStart, StreamWindow::kInitial - 10);
  EXPECT_EQ(window.room(), 10U);
  window.sent(kStart, StreamWindow::kInitial + 1000);
  EXPECT_EQ(window.room(), 0U);
}

TEST(StreamWindow, SpreadsWhatItTakesOverTime) {
  Path path(20 * kMbit);
  path.fill(seconds{2});
  path.fill(milliseconds{100}, 0);  // all of it arrives
  const std::uint64_t limit = path.window.limit();
  path.fill(microseconds{100});
  EXPECT_LE(path.window.undelivered(), limit / 10);
  path.fill(milliseconds{15});
  EXPECT_LE(path.window.undelivered(), 2 * limit / 3);
  path.fill(milliseconds{15});
  EXPECT_GE(path.window.undelivered(), limit);
}

TEST(StreamWindow, SaysWhenItOpensByItself) {
  StreamWindow window;
  window.sent(kStart, 1000);
  window.left_open();
  window.reported(kStart + milliseconds{40}, 1000);
  const Instant now = kStart + milliseconds{50};
  EXPECT_TRUE(window.is_open(now));
  EXPECT_FALSE(window.opens_at(now));
  window.sent(now, 1000 + 20'000);
  EXPECT_FALSE(window.is_open(now));
  const std::optional<Instant> opening = window.opens_at(now);
  ASSERT_TRUE(opening);
  EXPECT_GT(*opening, now);
  EXPECT_TRUE(window.is_open(*opening));
}

TEST(StreamWindow, DoesNotOpenByItselfWhereOnlyAReportOpensIt) {
  StreamWindow window;
  window.sent(kStart, 1000);
  window.reported(kStart + milliseconds{40}, 1000);
  window.sent(kStart + milliseconds{50}, 1000 + 2 * StreamWindow::kInitial);
  EXPECT_FALSE(window.opens_at(kStart + milliseconds{50}));
  EXPECT_FALSE(window.is_open(kStart + seconds{1}));
}

TEST(StreamWindow, TakesAllAtOnceWhereThatIsShort) {
  Path path(2000 * kMbit, microseconds{300});
  path.fill(seconds{1});
  path.fill(milliseconds{100}, 0);
  const std::uint64_t limit = path.window.limit();
  path.fill(microseconds{100});
  EXPECT_GE(path.window.undelivered(), limit);
}

TEST(StreamWindow, StaysClosedWhileNothingIsReported) {
  StreamWindow window;
  window.sent(kStart, StreamWindow::kInitial);
  window.sent(kStart + seconds{60}, StreamWindow::kInitial);
  EXPECT_EQ(window.room(), 0U);
}

TEST(StreamWindow, CountsWhatIsUndelivered) {
  StreamWindow window;
  window.sent(kStart, 5000);
  window.reported(kStart + milliseconds{40}, 2000);
  EXPECT_EQ(window.undelivered(), 3000U);
}

TEST(StreamWindow, IgnoresReportsThatGoBack) {
  StreamWindow window;
  window.sent(kStart, 5000);
  window.reported(kStart + milliseconds{40}, 4000);
  window.reported(kStart + milliseconds{41}, 1000);
  EXPECT_EQ(window.undelivered(), 1000U);
}

TEST(StreamWindow, DoesNotBelieveThatMoreCameThanWasSent) {
  StreamWindow window;
  window.sent(kStart, 5000);
  window.reported(kStart + milliseconds{40}, ~std::uint64_t{0});
  EXPECT_EQ(window.undelivered(), 0U);
  window.sent(kStart + milliseconds{50}, 9000);
  EXPECT_EQ(window.undelivered(), 4000U);
}

TEST(StreamWindow, KeepsWithinItsCeilingWhateverThePeerSays) {
  StreamWindow window;
  Instant now = kStart;
  for (std::uint64_t position = 0; position < 1'000'000'000'000;) {
    position += window.room();
    window.sent(now, position);
    now += microseconds{1};
    window.reported(now, position);
    ASSERT_LE(window.limit(), StreamWindow::kCeiling);
    if (window.limit() == StreamWindow::kCeiling && position > 1'000'000'000) break;
  }
}

TEST(StreamWindow, FindsRateAndRoundTrip) {
  Path path(20 * kMbit);
  path.fill(seconds{2});
  EXPECT_NEAR(path.window.rate() / kMbit, 20, 0.5);
  EXPECT_NEAR(static_cast<double>(path.window.min_rtt()->count()), 40.6e6, 0.2e6);
}

TEST(StreamWindow, KeepsTheQueueToTheHeadroom) {
  Path path(20 * kMbit);
  path.fill(seconds{2});
  path.most_undelivered = 0;
  path.fill(seconds{30});
  EXPECT_LE(path.most_undelivered, static_cast<std::uint64_t>(20 * kMbit * 0.055) + 1500);
}

TEST(StreamWindow, FillsALongFastPathWithinAFewRoundTrips) {
  Path path(100 * kMbit, milliseconds{200});
  path.fill(seconds{2} + milliseconds{500});
  EXPECT_NEAR(path.window.rate() / kMbit, 100, 5);
}

TEST(StreamWindow, IsNotMisledByASenderThatHasLittleToSend) {
  Path path(20 * kMbit);
  path.fill(seconds{2});
  path.fill(seconds{30}, 1500 / 4 * 4);  // 12 Mbit/s at most
  EXPECT_NEAR(path.window.rate() / kMbit, 20, 0.5);
}

TEST(StreamWindow, FollowsAStreamThatHasBecomeSlower) {
  Path path(20 * kMbit);
  path.fill(seconds{3});
  path.set_rate(5 * kMbit);
  path.fill(milliseconds{600});
  EXPECT_NEAR(path.window.rate() / kMbit, 5, 0.5);
}

TEST(StreamWindow, FollowsAStreamThatHasBecomeFaster) {
  Path path(5 * kMbit);
  path.fill(seconds{3});
  path.set_rate(100 * kMbit);
  path.fill(milliseconds{800});
  EXPECT_NEAR(path.window.rate() / kMbit, 100, 5);
}

TEST(StreamWindow, FollowsAPathThatHasBecomeLonger) {
  Path path(20 * kMbit);
  path.fill(seconds{3});
  path.set_rtt(milliseconds{150});
  path.fill(seconds{4});
  EXPECT_NEAR(path.window.rate() / kMbit, 20, 1);
  EXPECT_GT(*path.window.min_rtt(), milliseconds{149});
}

TEST(StreamWindow, SurvivesAStallWithoutChangingItsMind) {
  Path path(20 * kMbit);
  path.fill(seconds{3});
  const std::uint64_t before = path.window.limit();
  path.stall(milliseconds{80});
  path.fill(milliseconds{400});
  EXPECT_NEAR(static_cast<double>(path.window.limit()), static_cast<double>(before),
              0.1 * static_cast<double>(before));
}

TEST(StreamWindow, SurvivesALongStall) {
  Path path(20 * kMbit);
  path.fill(seconds{3});
  path.stall(seconds{5});
  path.fill(seconds{6});
  EXPECT_NEAR(path.window.rate() / kMbit, 20, 1);
}

TEST(StreamWindow, ProbesTheRoundTripAtACostBelowThreePercent) {
  Path path(20 * kMbit);
  path.fill(seconds{2});
  const std::uint64_t before = path.delivered();
  std::uint64_t lowest = ~std::uint64_t{0};
  for (int i = 0; i < 24000; ++i) {
    path.fill(milliseconds{1});
    lowest = std::min(lowest, path.window.limit());
  }
  EXPECT_LT(lowest, static_cast<std::uint64_t>(20 * kMbit * 0.022));
  EXPECT_GT(static_cast<double>(path.delivered() - before), 0.97 * 20 * kMbit * 24);
}

TEST(StreamWindow, ForgetsARoundTripThatIsNoMore) {
  Path path(20 * kMbit, milliseconds{40});
  path.fill(seconds{3});
  path.set_rtt(milliseconds{50});  // too little to be told from a queue but by a probe
  path.fill(seconds{25});
  EXPECT_GT(*path.window.min_rtt(), milliseconds{49});
}

TEST(StreamWindow, NeverClosesForGoodOnASlowStream) {
  Path path(0.064 * kMbit);
  path.fill(seconds{40});
  EXPECT_GE(path.window.limit(), StreamWindow::kFloor);
  EXPECT_LE(path.window.undelivered(), 8000U);  // a second's worth
}

TEST(StreamWindow, BoundsPacketsByAMillisecond) {
  Path path(100 * kMbit);
  EXPECT_EQ(path.window.largest_packet(), 1500U);
  path.fill(seconds{2});
  EXPECT_NEAR(static_cast<double>(path.window.largest_packet()), 12500, 700);
}

TEST(StreamWindow, NeverAllowsPacketsLongerThanIpStates) {
  Path path(2000 * kMbit, microseconds{300});
  path.fill(seconds{1});
  EXPECT_EQ(path.window.largest_packet(), 65535U);
}

TEST(StreamWindow, KeepsLittleUnderWayOnAShortFastPath) {
  EXPECT_EQ(StreamWindow::headroom(microseconds{300}), microseconds{900});
  EXPECT_EQ(StreamWindow::headroom(milliseconds{40}), milliseconds{10});
  EXPECT_LE(StreamWindow::headroom(seconds{1}), milliseconds{15});
}

}  // namespace
}  // namespace isthmus::session
