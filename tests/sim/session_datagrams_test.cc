// Two Sessions with datagrams beside their stream: what of it stands while the other is gone.
#include <gtest/gtest.h>

#include "session_pair.h"

namespace isthmus::session::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class SessionDatagrams : public ::testing::Test {
 protected:
  void join() {
    pair_.have_datagrams();
    pair_.a.session->begin(pair_.now);
    pair_.run_for(seconds{3});
  }
  [[nodiscard]] bool is_direct() const {
    return pair_.a.datagrams->way == Way::kDatagrams && pair_.b.datagrams->way == Way::kDatagrams;
  }
  // With something to send: an idle path is not judged.
  void run_busily(Duration time) {
    for (const Instant end = pair_.now + time; pair_.now < end;) {
      for (End* const one : {&pair_.a, &pair_.b}) ++one->datagrams->packets_sent;
      pair_.run_for(milliseconds{100});
    }
  }
  [[nodiscard]] int suspended() const { return pair_.a.suspended + pair_.b.suspended; }
  [[nodiscard]] int resumed() const { return pair_.a.resumed + pair_.b.resumed; }

  Pair pair_{caller(), {}, 1};
};

TEST_F(SessionDatagrams, TakeOverSoonAfterTheJoin) {
  join();
  EXPECT_TRUE(is_direct());
  EXPECT_EQ(pair_.a.proven, 1);
}

TEST(SessionWithoutDatagrams, TellsThePeerThatNeedsNoSocketThen) {
  for (const bool is_caller : {true, false}) {
    SessionOptions left = caller(), right;
    (is_caller ? left : right).takes_datagrams = false;
    Pair pair{left, right, 1};
    pair.have_datagrams();
    pair.a.session->begin(pair.now);
    pair.run_for(seconds{3});
    ASSERT_EQ(pair.a.proven, 1);
    for (const End* end : {&pair.a, &pair.b}) {
      EXPECT_FALSE(end->session->takes_datagrams());
      EXPECT_EQ(end->session->datagrams(), nullptr);
    }
  }
}

TEST_F(SessionDatagrams, CarryTheSessionWhileTheStreamIsLostAndCalledAgain) {
  join();
  pair_.network_works = false;
  pair_.cut_streams();
  run_busily(seconds{20});
  EXPECT_TRUE(is_direct());
  EXPECT_EQ(suspended(), 0);
  EXPECT_EQ(pair_.a.session->phase(), Phase::kUp);
  EXPECT_FALSE(pair_.a.session->current());
  EXPECT_GT(pair_.a.dials, 2) << "the stream is wanted back";
  pair_.network_works = true;
  run_busily(seconds{60});
  EXPECT_TRUE(pair_.a.session->current());
  EXPECT_EQ(pair_.a.established, 2);
  EXPECT_EQ(suspended(), 0);
  EXPECT_TRUE(is_direct());
}

TEST_F(SessionDatagrams, AreNoReasonToGiveTheStreamUpWhoseCallsComeToNothing) {
  join();
  for (int lost = 1; lost <= 5; ++lost) {
    pair_.cut_streams();
    for (int i = 0; i < 1000 && pair_.streams() == 0; ++i) run_busily(milliseconds{100});
    ASSERT_EQ(pair_.streams(), 1U) << "the next call after " << lost << " that were cut before they agreed";
  }
  run_busily(seconds{3});
  EXPECT_TRUE(pair_.a.session->current());
  EXPECT_EQ(suspended(), 0);
}

TEST_F(SessionDatagrams, AreNoReasonToPassTrafficWhenTheyAreLostToo) {
  join();
  pair_.network_works = false;
  pair_.cut_streams();
  run_busily(seconds{5});
  pair_.is_udp_shut = true;
  run_busily(seconds{4});
  EXPECT_EQ(pair_.a.suspended, 1);
  EXPECT_EQ(pair_.b.suspended, 1);
  EXPECT_EQ(pair_.a.session->phase(), Phase::kHeld);
  EXPECT_EQ(pair_.a.session->agreement(), nullptr);
}

TEST_F(SessionDatagrams, BringTheSessionBackBeforeTheStreamIsBack) {
  join();
  pair_.network_works = false;
  pair_.is_udp_shut = true;
  pair_.cut_streams();
  run_busily(seconds{5});
  ASSERT_EQ(suspended(), 2);
  pair_.is_udp_shut = false;
  run_busily(seconds{6});
  EXPECT_EQ(resumed(), 2);
  EXPECT_TRUE(is_direct());
  EXPECT_EQ(pair_.b.session->phase(), Phase::kUp);
}

TEST_F(SessionDatagrams, OutliveNoHoldThatExpires) {
  SessionOptions options = caller();
  options.hold = seconds{10};
  Pair pair{options, {}, 1};
  pair.have_datagrams();
  pair.a.session->begin(pair.now);
  pair.run_for(seconds{3});
  pair.network_works = false;
  pair.cut_streams();
  pair.run_for(seconds{30});
  EXPECT_FALSE(pair.a.ended) << "nothing is held while datagrams carry the session";
  pair.is_udp_shut = true;
  for (int i = 0; i < 200; ++i) {
    ++pair.a.datagrams->packets_sent;
    pair.run_for(milliseconds{100});
  }
  ASSERT_TRUE(pair.a.ended);
  EXPECT_EQ(pair.a.ended->reason, EndReason::kHoldExpired);
}

// The called end still believes in the old stream when the new one is agreed on.
TEST_F(SessionDatagrams, GoOnOverACallThatReplacesTheOther) {
  join();
  for (int i = 0; i < 3; ++i) {
    pair_.connect(pair_.a);
    run_busily(seconds{3});
    EXPECT_TRUE(is_direct());
    for (End* const end : {&pair_.a, &pair_.b}) {
      EXPECT_FALSE(end->session->datagrams()->rekeyer().live().empty());
      EXPECT_EQ(end->session->datagrams()->status().reason, "");
    }
  }
  EXPECT_EQ(suspended(), 0);
  run_busily(minutes{25});
  EXPECT_TRUE(is_direct()) << "keys are made anew over the last stream";
}

TEST_F(SessionDatagrams, ComeUpThoughBothEndsDial) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Pair pair{caller(), caller(), seed};
    pair.have_datagrams();
    pair.a.session->begin(pair.now);
    pair.run_for(milliseconds{seed * 40});
    pair.b.session->begin(pair.now);
    pair.run_for(seconds{20});
    EXPECT_EQ(pair.streams() > 1, pair.b.dials > 0);
    EXPECT_EQ(pair.a.datagrams->way, Way::kDatagrams);
    EXPECT_EQ(pair.b.datagrams->way, Way::kDatagrams);
    for (End* const end : {&pair.a, &pair.b}) {
      ASSERT_NE(end->session->datagrams(), nullptr);
      EXPECT_EQ(end->session->datagrams()->status().reason, "");
    }
  }
}

// It may also say goodbye at any moment.
TEST_F(SessionDatagrams, ServeNoOtherMachineWhileTheyAloneCarry) {
  join();
  pair_.network_works = false;
  pair_.cut_streams();
  run_busily(seconds{1});
  ASSERT_EQ(pair_.b.session->phase(), Phase::kUp);
  const int judged = pair_.b.judged;
  for (int farewell = 1; farewell <= 20; ++farewell) {
    SCOPED_TRACE(::testing::Message() << "goodbye after exchange " << farewell);
    SessionOptions options = caller();
    options.identity.node.fill(9);
    options.identity.host.fill(9);
    SeededRandom random{7};
    AnyAddress policy;
    Session stranger{options, random, policy};
    CountedPackets packets;
    const CallId there = pair_.b.session->add_call(pair_.now, Direction::kIncoming);
    const CallId here = stranger.add_call(pair_.now, Direction::kOutgoing);
    for (int i = 0; i < 30; ++i) {
      if (i == farewell) stranger.close(pair_.now, {Bye::Reason::kUndone, ""});
      stranger.receive(pair_.now, here, pair_.b.session->take_octets(there), packets);
      pair_.b.session->receive(pair_.now, there, stranger.take_octets(here), pair_.b.packets);
      stranger.advance(pair_.now);
      run_busily(milliseconds{100});
    }
    EXPECT_EQ(pair_.b.judged, judged) << "refused before the policy hears of it";
    EXPECT_EQ(pair_.b.session->phase(), Phase::kUp);
    EXPECT_FALSE(pair_.b.ended);
  }
  EXPECT_EQ(pair_.b.established, 1);
}

TEST_F(SessionDatagrams, AreOfNoUseToAPeerWithoutThem) {
  pair_.a.datagrams.emplace(Endpoint{pair_.a.own_address, 1001});
  pair_.b.datagrams.emplace(Endpoint{pair_.b.own_address, 1002});
  pair_.b.datagrams->mode = PathMode::kStream;
  pair_.a.session->begin(pair_.now);
  pair_.run_for(seconds{60});
  EXPECT_EQ(pair_.a.datagrams->way, Way::kStream);
  EXPECT_EQ(pair_.a.datagrams->counts(nullptr).dummies_sent, 0U);
  EXPECT_EQ(pair_.a.proven, 1);
}

TEST_F(SessionDatagrams, RefuseWhatWouldGoByTheStreamWhereOnlyTheyAreWanted) {
  pair_.have_datagrams();
  pair_.a.datagrams->mode = PathMode::kDatagram;
  pair_.is_udp_shut = true;
  pair_.a.session->begin(pair_.now);
  pair_.run_for(seconds{5});
  ASSERT_TRUE(pair_.a.session->current());
  EXPECT_EQ(pair_.a.datagrams->way, Way::kNowhere);
  const std::uint64_t before = pair_.a.session->traffic().dropped;
  Bytes packet(100, 0x45);
  pair_.a.session->enqueue(pair_.now, {packet, 0});
  EXPECT_EQ(pair_.a.session->traffic().dropped, before + 1);
}

}  // namespace
}  // namespace isthmus::session::testing
