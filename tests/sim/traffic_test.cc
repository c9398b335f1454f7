// Packets between two Sessions in virtual time: queue, window, reports, super-packets.
#include <gtest/gtest.h>

#include "allocation_count.h"
#include "net/test_packets.h"
#include "ppp/hdlc_encoder.h"
#include "session_pair.h"

namespace isthmus::session::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::packet_of;
using test::Parts;
using test::random_octets;

constexpr int kEcnCapable = 2;  // marked where others would be dropped

// Nothing is sent but what the packets bring about.
SessionOptions without_echoes(SessionOptions options) {
  options.link.echo_interval.reset();
  return options;
}

class TrafficTest : public ::testing::Test {
 protected:
  void bring_up() {
    pair_.a.session->begin(pair_.now);
    pair_.b.session->begin(pair_.now);
    pair_.run_for(seconds{2});
  }
  // Many packets, so that each end knows what the stream can do.
  void warm_up() {
    const Bytes packet = packet_of({.payload = random_octets(1400, 5)});
    for (int i = 0; i < 100; ++i) {
      for (int burst = 0; burst < 200; ++burst) pair_.a.session->enqueue(pair_.now, {packet});
      pair_.run_for(milliseconds{10});
    }
    pair_.run_for(seconds{1});
  }

  Pair pair_{without_echoes(caller()), without_echoes({}), 1};
};

TEST_F(TrafficTest, APacketArrivesAsItWas) {
  bring_up();
  const Bytes packet = packet_of({.payload = random_octets(1000, 1)});
  pair_.a.session->enqueue(pair_.now, {packet});
  pair_.run_for(milliseconds{100});
  EXPECT_EQ(pair_.b.packets.count, 1);
  EXPECT_EQ(pair_.b.packets.last, packet);
}

// A window given to the stream at once would cross as one packet of ssh's.
TEST_F(TrafficTest, ManyPacketsLeaveInPiecesAndNeedNoReportToDoSo) {
  bring_up();
  const Bytes packet = packet_of({.payload = random_octets(1400, 1)});
  pair_.a.session->enqueue(pair_.now, {packet});
  pair_.run_for(milliseconds{100});
  for (int i = 0; i < 30; ++i) pair_.a.session->enqueue(pair_.now, {packet});
  pair_.run_for(Duration{});
  const std::uint64_t at_once = pair_.a.session->traffic().packets_sent;
  EXPECT_LT(at_once, 10U);
  pair_.run_for(2 * pair_.kDelay - milliseconds{1});  // no report yet
  EXPECT_EQ(pair_.a.session->traffic().packets_sent, 31U);
}

// The way from the TUN to the far TUN, and the reports back: queue, window, link, framing, both ends.
TEST_F(TrafficTest, NothingIsAllocatedForAPacket) {
  bring_up();
  warm_up();
  Session& near = *pair_.a.session;
  Session& far = *pair_.b.session;
  const CallId here = near.current().value();
  const CallId there = far.current().value();
  const Bytes packet = packet_of({.payload = random_octets(1400, 5)});
  Bytes forth, back;
  const auto round = [&] {
    pair_.now += milliseconds{1};
    for (int i = 0; i < 20; ++i) near.enqueue(pair_.now, {packet});
    near.pump(pair_.now, std::size_t{1} << 20);
    near.take_octets(here, forth);
    far.receive(pair_.now, there, forth, pair_.b.packets);
    far.take_octets(there, back);
    near.receive(pair_.now, here, back, pair_.a.packets);
  };
  for (int i = 0; i < 2000; ++i) round();  // buffers grow to what is needed
  const int packets = pair_.b.packets.count;
  const std::uint64_t before = allocation_count();
  for (int i = 0; i < 200; ++i) round();
  EXPECT_EQ(allocation_count(), before);
  EXPECT_GT(pair_.b.packets.count, packets + 100);
}

TEST_F(TrafficTest, ASuperPacketCrossesWholeWhereTheStreamIsFast) {
  bring_up();
  warm_up();
  const int before = pair_.b.packets.count;
  const Bytes super = packet_of({.payload = random_octets(5 * 1448, 2)});
  pair_.a.session->enqueue(pair_.now, {super, 1448});
  pair_.run_for(milliseconds{100});
  EXPECT_EQ(pair_.b.packets.count, before + 1);
  EXPECT_EQ(pair_.b.packets.last, super);
  EXPECT_EQ(pair_.b.packets.segment_size, 1448);
}

TEST_F(TrafficTest, ASuperPacketOfAFamilyThatIsNotUpIsDropped) {
  pair_.a.has_ipv6 = pair_.b.has_ipv6 = false;
  bring_up();
  const Parts parts{.version = 6, .payload = random_octets(3 * 1428, 2)};
  pair_.a.session->enqueue(pair_.now, {packet_of(parts), 1428});
  pair_.run_for(milliseconds{100});
  EXPECT_EQ(pair_.b.packets.count, 0);
  EXPECT_GE(pair_.a.session->traffic().dropped, 1U);
}

TEST_F(TrafficTest, NothingIsQueuedWhileNoCallStands) {
  const Bytes packet = packet_of({.payload = random_octets(100, 3)});
  pair_.a.session->enqueue(pair_.now, {packet});
  EXPECT_EQ(pair_.a.session->traffic().dropped, 1U);
  bring_up();
  EXPECT_EQ(pair_.b.packets.count, 0);
}

// A stream takes everything; what bounds it is that nothing is reported.
TEST_F(TrafficTest, WithoutReportsNoMoreThanAWindowIsGivenToTheStream) {
  bring_up();
  pair_.freeze_streams();
  const Bytes packet = packet_of({.payload = random_octets(1400, 4)});
  const std::uint64_t before = pair_.a.session->traffic().octets_sent;
  for (int i = 0; i < 1000; ++i) pair_.a.session->enqueue(pair_.now, {packet});
  pair_.run_for(seconds{1});
  EXPECT_GT(pair_.a.session->traffic().octets_sent, before);
  EXPECT_LE(pair_.a.session->traffic().octets_sent - before, StreamWindow::kInitial + packet.size());
}

TEST_F(TrafficTest, ReportsOpenTheWindowAgainUntilAllHasCrossed) {
  bring_up();
  const Bytes packet = packet_of({.payload = random_octets(1400, 4), .tos = kEcnCapable});
  for (int i = 0; i < 1000; ++i) pair_.a.session->enqueue(pair_.now, {packet});
  pair_.run_for(seconds{2});
  EXPECT_EQ(pair_.b.packets.count, 1000);
}

// Else it would be taken for octets of the peer's that arrived, and the window would be worth nothing.
TEST_F(TrafficTest, TheWordsOfALoginAreNotTakenForOctetsOfThePeer) {
  pair_.b.text_first = std::string(300000, 'x');
  bring_up();
  const Bytes packet = packet_of({.payload = random_octets(1400, 4)});
  const StreamWindow* window = pair_.b.session->find(*pair_.b.session->current())->meter().window();
  ASSERT_NE(window, nullptr);
  for (int i = 0; i < 10; ++i) pair_.b.session->enqueue(pair_.now, {packet});
  pair_.run_for(Duration{0});
  EXPECT_GE(window->undelivered(), 10 * packet.size());
  pair_.run_for(seconds{1});
  EXPECT_EQ(pair_.a.packets.count, 10);
  EXPECT_LT(window->undelivered(), 200U);
}

TEST_F(TrafficTest, ReportsAreNotAnsweredByReportsWithoutEnd) {
  bring_up();
  pair_.a.session->enqueue(pair_.now, {packet_of({.payload = random_octets(100, 1)})});
  pair_.run_for(seconds{1});
  const auto octets = [](End& end) {
    return end.session->find(*end.session->current())->link().octets_queued();
  };
  const std::uint64_t a = octets(pair_.a), b = octets(pair_.b);
  pair_.run_for(seconds{3});
  EXPECT_EQ(octets(pair_.a), a);
  EXPECT_EQ(octets(pair_.b), b);
}

TEST_F(TrafficTest, PacketsTakeTheNextStreamWhenTheFirstIsLost) {
  bring_up();
  pair_.cut_streams();
  pair_.run_for(seconds{3});
  ASSERT_EQ(pair_.a.session->phase(), Phase::kUp);
  const Bytes packet = packet_of({.payload = random_octets(1000, 1)});
  pair_.a.session->enqueue(pair_.now, {packet});
  pair_.run_for(milliseconds{100});
  EXPECT_EQ(pair_.b.packets.last, packet);
}

// Our own program never asks for it, but a peer may at any time.
TEST_F(TrafficTest, CarriesOnAfterThePeerNegotiatesAnew) {
  bring_up();
  const Bytes packet = packet_of({.payload = random_octets(1400, 5), .tos = kEcnCapable});
  for (int i = 0; i < 200; ++i) {
    pair_.a.session->enqueue(pair_.now, {packet});
    pair_.run_for(milliseconds{10});
  }
  Bytes request;
  ppp::encode_frame(0xc021, Bytes{1, 200, 0, 4}, {}, request);
  pair_.b.session->receive(pair_.now, *pair_.b.session->current(), request, pair_.b.packets);
  pair_.run_for(seconds{8});
  ASSERT_EQ(pair_.a.session->phase(), Phase::kUp);
  const int before = pair_.b.packets.count;
  for (int i = 0; i < 200; ++i) {
    pair_.a.session->enqueue(pair_.now, {packet});
    pair_.run_for(milliseconds{10});
  }
  EXPECT_GE(pair_.b.packets.count, before + 199);
}

}  // namespace
}  // namespace isthmus::session::testing
