#include "session/path_mtu.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "esp/esp_format.h"

namespace isthmus::session {
namespace {

using State = PathMtu::State;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(InnerMtu, MakesAnOuterPacketThatFillsTheOuterSizeAndNotMore) {
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    for (std::size_t outer = 1280; outer < 1600; ++outer) {
      const std::size_t header = (family == Family::kIpv4 ? 20 : 40) + 8;
      EXPECT_LE(header + esp::sealed_size(inner_mtu(outer, family)), outer);
      EXPECT_GT(header + esp::sealed_size(inner_mtu(outer, family) + 1), outer);
    }
  }
}

TEST(InnerMtu, IsNothingWhereNoPacketFits) {
  EXPECT_EQ(inner_mtu(0, Family::kIpv4), 0U);
  EXPECT_EQ(inner_mtu(63, Family::kIpv4), 0U);
}

// A path that takes packets of `path_` octets; a probe that is sent and fits comes back 20 ms later.
class PathMtuTest : public ::testing::Test {
 protected:
  PathMtu mtu_;
  Instant now_{seconds{100}};
  std::size_t path_ = 1500;
  bool is_busy_ = true;
  std::vector<std::size_t> sent_;

  void run(Duration time) {
    for (const Instant until = now_ + time; now_ < until; now_ += milliseconds{20}) {
      std::vector<std::size_t> arrived;
      while (const auto size = mtu_.probe_due(now_, is_busy_)) {
        sent_.push_back(*size);
        if (*size <= path_) arrived.push_back(*size);
      }
      for (const std::size_t size : arrived) mtu_.confirm(now_ + milliseconds{20}, size);
    }
  }
  void complete(std::size_t path) {
    path_ = path;
    mtu_.start(now_, Family::kIpv4, 1500);
    run(seconds{60});
    ASSERT_EQ(mtu_.state(), State::kComplete);
    sent_.clear();
  }
};

TEST_F(PathMtuTest, KnowsNothingBeforeTheBaseIsConfirmed) {
  mtu_.start(now_, Family::kIpv4, 1500);
  EXPECT_EQ(mtu_.state(), State::kBase);
  EXPECT_EQ(mtu_.plpmtu(), std::nullopt);
  EXPECT_EQ(mtu_.probe_due(now_, true), kBasePlpmtu);
  EXPECT_EQ(mtu_.plpmtu(), std::nullopt);
}

TEST_F(PathMtuTest, TriesTheInterfacesMtuAtOnceAfterTheBase) {
  mtu_.start(now_, Family::kIpv4, 1500);
  run(seconds{1});
  EXPECT_EQ(sent_, (std::vector<std::size_t>{1280, 1500}));
  EXPECT_EQ(mtu_.plpmtu(), 1500U);
  EXPECT_EQ(mtu_.state(), State::kComplete);
}

TEST_F(PathMtuTest, FindsAnySizeToWithinAStep) {
  for (path_ = 1280; path_ <= 1500; path_ += 7) {
    mtu_.start(now_, Family::kIpv4, 1500);
    run(seconds{60});
    EXPECT_EQ(mtu_.state(), State::kComplete);
    EXPECT_LE(*mtu_.plpmtu(), path_);
    EXPECT_GT(*mtu_.plpmtu() + 2 * kMtuStep, path_);
  }
}

TEST_F(PathMtuTest, FindsJumboFrames) {
  path_ = 9000;
  mtu_.start(now_, Family::kIpv6, 9000);
  run(seconds{1});
  EXPECT_EQ(mtu_.plpmtu(), 9000U);
}

TEST_F(PathMtuTest, SendsThreeProbesOfASizeASecondApart) {
  path_ = 1400;
  mtu_.start(now_, Family::kIpv4, 1500);
  run(milliseconds{2900});
  EXPECT_EQ(std::ranges::count(sent_, 1500U), 3);
  run(milliseconds{200});
  EXPECT_EQ(sent_.at(4), 1388U) << "the middle";
}

TEST_F(PathMtuTest, EndsInErrorWhereTheBaseDoesNotPassAndComesBackWhenItDoes) {
  path_ = 1200;
  mtu_.start(now_, Family::kIpv4, 1500);
  run(seconds{30});
  EXPECT_EQ(mtu_.state(), State::kError);
  EXPECT_EQ(mtu_.plpmtu(), std::nullopt);
  path_ = 1500;
  run(kMtuErrorTimer + seconds{1});
  EXPECT_EQ(mtu_.plpmtu(), 1500U);
}

TEST_F(PathMtuTest, ConfirmsItsSizeWhilePacketsAreSentAndOnlyThen) {
  complete(1500);
  is_busy_ = false;
  run(seconds{60});
  EXPECT_TRUE(sent_.empty());
  is_busy_ = true;
  run(seconds{60});
  EXPECT_GE(sent_.size(), 5U);
  EXPECT_LE(sent_.size(), 7U);
  EXPECT_EQ(sent_.front(), 1500U);
}

TEST_F(PathMtuTest, FindsABlackHoleByThreeLostConfirmations) {
  complete(1500);
  path_ = 1400;
  mtu_.suspect(now_);
  run(milliseconds{2900});
  EXPECT_EQ(mtu_.plpmtu(), 1500U);
  run(seconds{1});
  EXPECT_EQ(mtu_.plpmtu(), kBasePlpmtu);
  run(seconds{40});
  EXPECT_LE(*mtu_.plpmtu(), 1400U);
  EXPECT_GT(*mtu_.plpmtu(), 1380U);
}

TEST_F(PathMtuTest, IsInDoubtWhereOnlyAShorterProbeBesideASuspectedSizeArrives) {
  complete(1500);
  path_ = 1400;
  mtu_.suspect(now_);
  const Instant asked = now_;
  run(milliseconds{300});
  EXPECT_EQ(mtu_.doubted_since(), std::nullopt);
  mtu_.shorter_arrived(asked + milliseconds{5});
  EXPECT_EQ(mtu_.doubted_since(), asked);
  run(milliseconds{2600});
  mtu_.shorter_arrived(now_);
  EXPECT_EQ(mtu_.doubted_since(), asked) << "later probes change nothing";
  run(seconds{1});
  EXPECT_EQ(mtu_.doubted_since(), std::nullopt) << "it is not in doubt any more, but wrong";
}

TEST_F(PathMtuTest, IsInNoDoubtWhereProbesFurtherApartFareDifferently) {
  complete(1500);
  path_ = 1400;
  mtu_.suspect(now_);
  const Instant asked = now_;
  run(milliseconds{700});
  mtu_.shorter_arrived(asked - milliseconds{200});
  mtu_.shorter_arrived(asked + milliseconds{500});
  EXPECT_EQ(mtu_.doubted_since(), std::nullopt);
}

TEST_F(PathMtuTest, IsInNoDoubtWithoutSuspicion) {
  complete(1500);
  path_ = 1400;
  run(kMtuConfirmTimer);
  ASSERT_FALSE(sent_.empty());
  mtu_.shorter_arrived(now_ - milliseconds{20});
  EXPECT_EQ(mtu_.doubted_since(), std::nullopt) << "one may be lost by chance";
}

TEST_F(PathMtuTest, IsInNoDoubtAfterAnAnswer) {
  complete(1500);
  path_ = 0;
  mtu_.suspect(now_);
  run(milliseconds{500});
  mtu_.shorter_arrived(now_ - milliseconds{500});
  ASSERT_TRUE(mtu_.doubted_since());
  path_ = 1500;
  run(seconds{1});
  EXPECT_EQ(mtu_.doubted_since(), std::nullopt);
}

TEST_F(PathMtuTest, AsksAnotherWayAnew) {
  complete(1500);
  path_ = 0;
  mtu_.suspect(now_);
  run(milliseconds{500});
  mtu_.shorter_arrived(now_ - milliseconds{500});
  path_ = 1500;
  mtu_.way_changed();
  EXPECT_EQ(mtu_.doubted_since(), std::nullopt);
  mtu_.suspect(now_);
  run(milliseconds{20});
  EXPECT_EQ(sent_.size(), 2U) << "and does not wait for what was asked on the old one";
}

TEST_F(PathMtuTest, OutlivesASingleLostConfirmation) {
  complete(1500);
  path_ = 0;
  mtu_.suspect(now_);
  run(milliseconds{500});
  path_ = 1500;
  run(seconds{30});
  EXPECT_EQ(mtu_.plpmtu(), 1500U);
}

TEST_F(PathMtuTest, TriesLargerSizesAgainAfterTenMinutes) {
  complete(1400);
  path_ = 1500;
  run(seconds{500});
  EXPECT_LE(*mtu_.plpmtu(), 1400U);
  run(seconds{120});
  EXPECT_EQ(mtu_.plpmtu(), 1500U);
}

TEST_F(PathMtuTest, GoesToTheBaseAndSearchesWhatIcmpSays) {
  complete(1500);
  path_ = 1420;
  mtu_.too_big(now_, 1420);
  EXPECT_EQ(mtu_.plpmtu(), kBasePlpmtu) << "RFC 8899 section 4.6.2";
  run(milliseconds{100});
  EXPECT_EQ(mtu_.plpmtu(), 1420U);
}

TEST_F(PathMtuTest, TakesWhatIcmpSaysForTheBoundOfTheSearch) {
  path_ = 1420;
  mtu_.start(now_, Family::kIpv4, 1500);
  run(milliseconds{100});
  mtu_.too_big(now_, 1420);
  run(milliseconds{100});
  EXPECT_EQ(mtu_.plpmtu(), 1420U);
  EXPECT_EQ(mtu_.state(), State::kComplete);
}

TEST_F(PathMtuTest, IsNeverRaisedByIcmp) {
  complete(1400);
  const auto before = mtu_.plpmtu();
  mtu_.too_big(now_, 1490);
  mtu_.too_big(now_, 9000);
  EXPECT_EQ(mtu_.plpmtu(), before);
  EXPECT_EQ(mtu_.state(), State::kComplete);
}

TEST_F(PathMtuTest, IgnoresIcmpBelowWhatEveryPathTakes) {
  complete(1500);
  mtu_.too_big(now_, 575);
  mtu_.too_big(now_, 0);
  EXPECT_EQ(mtu_.plpmtu(), 1500U);
  mtu_.too_big(now_, 576);
  EXPECT_EQ(mtu_.state(), State::kError) << "the base does not pass, it says";

  mtu_.start(now_, Family::kIpv6, 1500);
  run(seconds{1});
  mtu_.too_big(now_, 1279);
  EXPECT_EQ(mtu_.plpmtu(), 1500U);
}

TEST_F(PathMtuTest, TakesNoSmallerProbeForTheOneItWaitsFor) {
  mtu_.start(now_, Family::kIpv4, 1500);
  EXPECT_EQ(mtu_.probe_due(now_, true), kBasePlpmtu);
  mtu_.confirm(now_, kBasePlpmtu - 4);
  EXPECT_EQ(mtu_.plpmtu(), std::nullopt);
  mtu_.confirm(now_, kBasePlpmtu - 3);  // as ESP rounds it
  EXPECT_EQ(mtu_.plpmtu(), kBasePlpmtu);
}

TEST_F(PathMtuTest, DoesNothingWithoutAPath) {
  mtu_.start(now_, Family::kIpv4, 1500);
  mtu_.stop();
  mtu_.confirm(now_, 1280);
  mtu_.too_big(now_, 1300);
  mtu_.suspect(now_);
  EXPECT_EQ(mtu_.state(), State::kDisabled);
  EXPECT_EQ(mtu_.next_deadline(), std::nullopt);
  EXPECT_EQ(mtu_.probe_due(now_, true), std::nullopt);
}

// RFC 8899 section 8: or a chain of ICMP messages would be answered by as many probes.
TEST_F(PathMtuTest, SendsNoTwoProbesWithinARoundTrip) {
  complete(1500);
  mtu_.round_trip(milliseconds{300});
  std::vector<Instant> times;
  for (std::size_t size = 1490; size > 1300; --size) {
    mtu_.too_big(now_, size);
    while (mtu_.probe_due(now_, true)) times.push_back(now_);
    now_ += milliseconds{10};
  }
  ASSERT_GT(times.size(), 3U);
  for (std::size_t i = 1; i < times.size(); ++i) EXPECT_GE(times[i] - times[i - 1], milliseconds{300});
}

TEST_F(PathMtuTest, WaitsForAnEchoLongerThanTheRoundTrip) {
  mtu_.round_trip(seconds{4});
  mtu_.start(now_, Family::kIpv4, 1500);
  path_ = 0;  // none comes back
  run(seconds{20});
  EXPECT_EQ(sent_.size(), 3U);
  EXPECT_EQ(mtu_.state(), State::kBase);
  run(seconds{5});
  EXPECT_EQ(mtu_.state(), State::kError);
}

}  // namespace
}  // namespace isthmus::session
