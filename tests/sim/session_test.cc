// Whole lives of a join between two Sessions in virtual time.
#include "session/session.h"

#include <gtest/gtest.h>

#include "ppp/hdlc_encoder.h"
#include "session_pair.h"

namespace isthmus::session::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

SessionOptions called() {
  SessionOptions options;
  options.hold = seconds{60};
  return options;
}

Pair joined(std::uint64_t seed) {
  return Pair{caller(), called(), seed};
}

void bring_up(Pair& pair) {
  pair.a.session->begin(pair.now);
  pair.b.session->begin(pair.now);
  pair.run_for(seconds{2});
}

TEST(Session, JoinsAndProvesWithinTwoSeconds) {
  Pair pair = joined(1);
  bring_up(pair);
  EXPECT_EQ(pair.a.session->phase(), Phase::kUp);
  EXPECT_EQ(pair.b.session->phase(), Phase::kUp);
  EXPECT_EQ(pair.a.proven, 1);
  EXPECT_EQ(pair.b.proven, 1);
}

TEST(Session, AgreesOnPrefixesAndAddressesOfBothEnds) {
  Pair pair = joined(2);
  bring_up(pair);
  ASSERT_TRUE(pair.a.agreement && pair.b.agreement);
  EXPECT_EQ(pair.a.agreement->accepted, std::vector{prefix("193.6.37.0/24")});
  EXPECT_EQ(pair.a.agreement->offered, std::vector{prefix("193.6.35.0/24")});
  EXPECT_EQ(pair.b.agreement->accepted, std::vector{prefix("193.6.35.0/24")});
  EXPECT_EQ(pair.b.agreement->offered, std::vector{prefix("193.6.37.0/24")});
  EXPECT_EQ(pair.a.agreement->ipv4->remote, address("193.6.37.12"));
  EXPECT_EQ(pair.b.agreement->ipv4->remote, address("193.6.35.12"));
}

// The Answer that says why fifteen prefixes are refused is longer than the caller's MRU.
TEST(Session, CutsItsMessagesToThePeersMru) {
  SessionOptions small = caller();
  small.link.mru = 1280;
  for (int i = 0; i < 15; ++i)
    small.identity.offers.push_back(prefix(("10.0." + std::to_string(i) + ".0/24").c_str()));
  Pair pair{small, called(), 20};
  pair.b.why_refused = std::string(95, 'r');
  bring_up(pair);
  EXPECT_EQ(pair.a.proven, 1);
  ASSERT_TRUE(pair.a.agreement);
  EXPECT_TRUE(pair.a.agreement->offered.empty());
  ASSERT_EQ(pair.a.agreement->verdicts.size(), 15U);
  EXPECT_GE(pair.a.agreement->verdicts[0].reason.size(), 60U);
}

TEST(Session, UndoesAtOnceWhenThePeerSaysGoodbye) {
  Pair pair = joined(3);
  bring_up(pair);
  pair.a.session->close(pair.now, {Bye::Reason::kUndone, "ctrl-C"});
  pair.run_for(seconds{1});
  ASSERT_TRUE(pair.a.ended && pair.b.ended);
  EXPECT_EQ(pair.a.ended->reason, EndReason::kUndoneByUs);
  EXPECT_EQ(pair.b.ended->reason, EndReason::kUndoneByPeer);
  EXPECT_EQ(pair.b.ended->text, "ctrl-C");
}

TEST(Session, EndsItselfWhenThePeerDoesNotAnswerTheGoodbye) {
  Pair pair = joined(4);
  bring_up(pair);
  pair.freeze_streams();
  pair.a.session->close(pair.now, {Bye::Reason::kUndone, "ctrl-C"});
  pair.run_for(seconds{2});
  EXPECT_TRUE(pair.a.ended);
}

TEST(Session, HoldsALostStreamAndDialsAgainAboutASecondLater) {
  Pair pair = joined(5);
  bring_up(pair);
  pair.cut_streams();
  EXPECT_EQ(pair.a.session->phase(), Phase::kHeld);
  EXPECT_EQ(pair.b.session->phase(), Phase::kHeld);
  pair.run_for(seconds{3});
  EXPECT_EQ(pair.a.session->phase(), Phase::kUp);
  EXPECT_EQ(pair.b.session->phase(), Phase::kUp);
  EXPECT_EQ(pair.a.dials, 2);
}

TEST(Session, DialsAboutEverySecondForHalfAMinuteAndThenNoMoreThanTenApart) {
  Pair pair = joined(6);
  bring_up(pair);
  pair.network_works = false;
  pair.cut_streams();
  pair.run_for(seconds{30});
  EXPECT_GE(pair.a.dials, 25);
  EXPECT_LE(pair.a.dials, 36);
  const int eager = pair.a.dials;
  pair.run_for(seconds{300});
  EXPECT_GE(pair.a.dials - eager, 29);
  EXPECT_LE(pair.a.dials - eager, 45);
}

TEST(Session, DialsAtOnceWhenTheNetworkChanges) {
  SessionOptions patient = called();
  patient.hold = std::chrono::hours{1};
  Pair pair{caller(), patient, 7};
  bring_up(pair);
  pair.network_works = false;
  pair.cut_streams();
  pair.run_for(seconds{200});
  // In the middle between two dials, which come about ten seconds apart.
  const int dials = pair.a.dials;
  while (pair.a.dials == dials) pair.run_for(milliseconds{100});
  pair.run_for(seconds{2});
  pair.network_works = true;
  pair.a.session->network_changed(pair.now);
  pair.run_for(milliseconds{500});
  EXPECT_EQ(pair.a.session->phase(), Phase::kUp);
}

TEST(Session, IsUndoneAtTheCalledEndWhenTheHoldExpires) {
  Pair pair = joined(8);
  bring_up(pair);
  pair.network_works = false;
  pair.cut_streams();
  pair.run_for(seconds{59});
  EXPECT_FALSE(pair.b.ended);
  pair.run_for(seconds{2});
  ASSERT_TRUE(pair.b.ended);
  EXPECT_EQ(pair.b.ended->reason, EndReason::kHoldExpired);
  EXPECT_FALSE(pair.a.ended);
}

TEST(Session, NoticesADeadIdleLinkWithinFifteenSeconds) {
  Pair pair = joined(9);
  bring_up(pair);
  pair.network_works = false;
  pair.freeze_streams();
  pair.run_for(seconds{15});
  EXPECT_EQ(pair.a.session->phase(), Phase::kHeld);
  EXPECT_EQ(pair.b.session->phase(), Phase::kHeld);
}

TEST(Session, TakesANewStreamOfTheSamePeerInPlaceOfTheOld) {
  Pair pair = joined(10);
  bring_up(pair);
  pair.connect(pair.a);  // the caller was killed and runs again, while the called end has not noticed
  pair.run_for(seconds{2});
  EXPECT_EQ(pair.a.session->phase(), Phase::kUp);
  EXPECT_EQ(pair.b.session->phase(), Phase::kUp);
  EXPECT_EQ(pair.b.established, 2);
  EXPECT_FALSE(pair.b.ended);
}

// A valid Configure-Request in Opened takes IPCP down at both ends, and up again with what was agreed before.
void ask_for_the_same_again(Pair& pair, std::uint8_t identifier) {
  const Bytes request{1, identifier, 0, 10, 3, 6, 193, 6, 35, 12};
  Bytes frame;
  ppp::encode_frame(0x8021, request, {}, frame);
  if (pair.b.session->current())
    pair.b.session->receive(pair.now, *pair.b.session->current(), frame, pair.b.packets);
}

bool sends_a_packet(Pair& pair, End& from) {
  const std::uint64_t before = from.session->traffic().packets_sent;
  from.session->enqueue(pair.now, {Bytes(20, 0x45)});
  from.session->pump(pair.now, 1500);
  return from.session->traffic().packets_sent > before;
}

TEST(Session, LeavesTheMachinesAsTheyAreWhenTheSameIsNegotiatedAnew) {
  Pair pair = joined(15);
  bring_up(pair);
  for (std::uint8_t round = 100; round < 110; ++round) {
    ask_for_the_same_again(pair, round);
    EXPECT_FALSE(sends_a_packet(pair, pair.b));
    pair.run_for(seconds{4});
    EXPECT_TRUE(sends_a_packet(pair, pair.b));
  }
  for (const End* end : {&pair.a, &pair.b}) {
    EXPECT_EQ(end->established, 1);
    EXPECT_EQ(end->suspended, 0);
    EXPECT_EQ(end->session->phase(), Phase::kUp);
  }
}

// A busy machine reads at once that all was agreed, and that LCP begins anew.
TEST(Session, StandsAfterAnAgreementThatWasGoneWithinOneRead) {
  const Bytes request{1, 200, 0, 4};
  Bytes frame;
  ppp::encode_frame(0xc021, request, {}, frame);
  for (int delay = 0; delay < 400; delay += 10) {
    SCOPED_TRACE("after " + std::to_string(delay) + " ms");
    Pair pair = joined(20);
    pair.a.session->begin(pair.now);
    pair.b.session->begin(pair.now);
    pair.run_for(milliseconds{delay});
    pair.bunch_for(pair.b, milliseconds{60}, frame);
    pair.run_for(seconds{20});
    ASSERT_FALSE(pair.a.ended) << pair.a.ended->text;
    ASSERT_FALSE(pair.b.ended) << pair.b.ended->text;
    ASSERT_EQ(pair.b.session->phase(), Phase::kUp);
  }
}

TEST(Session, HangsUpOnAPeerThatNegotiatesAnewWithoutEnd) {
  Pair pair = joined(16);
  bring_up(pair);
  pair.network_works = false;
  for (std::uint8_t round = 100; round < 150; ++round) {
    ask_for_the_same_again(pair, round);
    pair.run_for(milliseconds{200});
  }
  EXPECT_FALSE(pair.b.session->current());
  EXPECT_EQ(pair.b.established, 1);
  EXPECT_EQ(pair.b.suspended, 1);
}

TEST(Session, SuspendsAMachineWhosePeerDoesNotAgreeAgain) {
  Pair pair = joined(17);
  bring_up(pair);
  ask_for_the_same_again(pair, 100);
  pair.freeze_streams();
  pair.run_for(seconds{2});
  EXPECT_EQ(pair.b.suspended, 0);
  pair.run_for(seconds{2});
  EXPECT_EQ(pair.b.suspended, 1);
}

// An end without IPv4 and one without IPv6, as policy may have it, are joined by nothing.
TEST(Session, RefusesTheCallOnWhichNoAddressesAreAgreed) {
  Pair pair = joined(18);
  pair.a.has_ipv4 = false;
  pair.b.has_ipv6 = false;
  bring_up(pair);
  ASSERT_TRUE(pair.a.ended);
  EXPECT_EQ(pair.a.established, 0);
}

TEST(Session, StandsWithOneFamilyWhereTheOtherIsNotWanted) {
  Pair pair = joined(19);
  pair.a.has_ipv4 = pair.b.has_ipv4 = false;
  bring_up(pair);
  EXPECT_EQ(pair.a.session->phase(), Phase::kUp);
  ASSERT_TRUE(pair.a.agreement);
  EXPECT_TRUE(pair.a.agreement->ipv6);
  EXPECT_FALSE(pair.a.agreement->ipv4);
}

// Judging it would replace the policy that stands.
TEST(Session, RefusesAnotherMachineBesideTheOneThatStandsWithoutJudgingIt) {
  Pair pair = joined(21);
  bring_up(pair);
  Hello stranger;
  stranger.host.fill(9);
  Call there{CallId{77}, Direction::kOutgoing, {}, stranger, pair.a.random, pair.a.policy};
  there.start(pair.now);
  const CallId here = pair.b.session->add_call(pair.now, Direction::kIncoming);
  std::optional<CallEnded> end;
  for (int round = 0; round < 50 && !end; ++round) {
    pair.b.session->receive(pair.now, here, there.link().take_octets(), pair.b.packets);
    const Bytes answer = pair.b.session->take_octets(here);
    there.receive(pair.now, answer, pair.a.packets);
    for (CallEvent& event : there.take_events())
      if (auto* ended = std::get_if<CallEnded>(&event)) end = *ended;
    pair.run_for(milliseconds{10});
  }
  ASSERT_TRUE(end && end->bye);
  EXPECT_EQ(end->bye->reason, Bye::Reason::kRefused);
  EXPECT_EQ(end->bye->text, "another machine holds the session of this name");
  EXPECT_EQ(pair.b.judged, 1);
  EXPECT_EQ(pair.b.session->phase(), Phase::kUp);
}

TEST(Session, EndsTheCallerThatTheFarPolicyRefusesWithItsReason) {
  Pair pair = joined(11);
  pair.b.refusal = Bye{Bye::Reason::kRefused, "add accept = [\"193.6.35.0/24\"]"};
  bring_up(pair);
  ASSERT_TRUE(pair.a.ended);
  EXPECT_EQ(pair.a.ended->reason, EndReason::kRefusedByPeer);
  EXPECT_EQ(pair.a.ended->text, "add accept = [\"193.6.35.0/24\"]");
}

TEST(Session, GivesUpAtBothEndsWhenOneMachineRefusesTheRoutes) {
  Pair pair = joined(12);
  pair.b.routes_fail = true;
  bring_up(pair);
  ASSERT_TRUE(pair.a.ended && pair.b.ended);
  EXPECT_EQ(pair.b.ended->reason, EndReason::kMachineRefused);
  EXPECT_EQ(pair.a.ended->reason, EndReason::kMachineRefused);
}

TEST(Session, FailsAtOnceWhenTheFirstDialFails) {
  Pair pair = joined(13);
  pair.network_works = false;
  bring_up(pair);
  ASSERT_TRUE(pair.a.ended);
  EXPECT_EQ(pair.a.ended->reason, EndReason::kDialFailed);
  EXPECT_EQ(pair.a.dials, 1);
}

TEST(Session, TellsAPlanAndChangesNothing) {
  SessionOptions planner = caller();
  planner.identity.plan_only = true;
  Pair pair{planner, called(), 14};
  for (int i = 0; i < 9; ++i) pair.b.plan_to_tell.push_back("line " + std::to_string(i));
  bring_up(pair);
  EXPECT_EQ(pair.a.plan, pair.b.plan_to_tell);
  EXPECT_EQ(pair.a.established, 0);
}

// Both gateways dial each other, with every order and spacing of their ssh up to a second: one call remains,
// the one whose caller has the lower node id (fellini's), and both ends stand on it.
TEST(Session, KeepsExactlyOneCallWhenBothEndsDial) {
  for (std::uint64_t seed = 100; seed < 180; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Pair pair{caller(), caller(), seed};
    SeededRandom random{seed};
    pair.a.dial_latency = milliseconds{random.u32() % 1000};
    pair.b.dial_latency = milliseconds{random.u32() % 1000};
    pair.a.session->begin(pair.now);
    pair.b.session->begin(pair.now);
    pair.run_for(seconds{10});
    ASSERT_EQ(pair.a.session->phase(), Phase::kUp);
    ASSERT_EQ(pair.b.session->phase(), Phase::kUp);
    ASSERT_TRUE(pair.a.session->current() && pair.b.session->current());
    EXPECT_EQ(pair.a.session->find(*pair.a.session->current())->direction(), Direction::kOutgoing);
    EXPECT_EQ(pair.b.session->find(*pair.b.session->current())->direction(), Direction::kIncoming);
    EXPECT_FALSE(pair.a.ended || pair.b.ended);
    EXPECT_EQ(pair.a.dials, 1);
    EXPECT_EQ(pair.b.dials, 1);
  }
}

}  // namespace
}  // namespace isthmus::session::testing
