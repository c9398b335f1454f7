#include <gtest/gtest.h>

#include "esp/test_tunnels.h"

namespace isthmus::esp {
namespace {

using namespace test;

constexpr Generation kFirst{1};

Bytes packet() {
  Parts parts;
  parts.payload = Bytes(50, 1);
  return packet_of(parts);
}

struct Joined : TunnelPair {
  explicit Joined(const TunnelOptions& options = {}) : TunnelPair(options) { install(1); }
};

// Brings every datagram of `from` to `to`, and returns their octets.
std::size_t deliver(Tunnel& from, Tunnel& to, const Endpoint& source) {
  std::size_t octets = 0;
  for (const OwnDatagram& one : datagrams_of(from)) {
    (void)open(to, one.octets, source);
    octets += one.octets.size();
  }
  return octets;
}

TEST(TunnelProbes, ComeBackWithTheirTokenAndSize) {
  for (const std::size_t size : {0U, 600U, 1279U, 1280U, 1500U, 9000U}) {
    Joined pair;
    ASSERT_TRUE(pair.near.apply(SendProbe{kFirst, 0xfeedface12345678, size, std::nullopt}));
    const auto sent = datagrams_of(pair.near);
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].to, kFar);
    const std::size_t outer = outer_size(sent[0].octets.size(), Family::kIpv4);
    EXPECT_EQ(outer, size == 0 ? 80 : size / 4 * 4);

    EXPECT_EQ(open(pair.far, sent[0].octets), std::unexpected(Drop::kProbe));
    EXPECT_EQ(events_of(pair.far), (std::vector<TunnelEvent>{ProbeArrived{kFirst, kNear, outer}}));
    EXPECT_EQ(deliver(pair.far, pair.near, kFar), sent[0].octets.size())
        << "an echo is as large as its probe";
    EXPECT_EQ(events_of(pair.near),
              (std::vector<TunnelEvent>{EchoArrived{kFirst, 0xfeedface12345678, outer, kFar}}));
    EXPECT_TRUE(datagrams_of(pair.near).empty()) << "an echo is not echoed";
  }
}

TEST(TunnelProbes, GoByAGenerationThatIsNotYetInUse) {
  Joined pair;
  pair.install(2, false);
  ASSERT_TRUE(pair.near.apply(SendProbe{Generation{2}, 5, 0, std::nullopt}));
  deliver(pair.near, pair.far, kNear);
  deliver(pair.far, pair.near, kFar);
  const auto events = events_of(pair.near);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(std::get<EchoArrived>(events[0]).generation, Generation{2});
  EXPECT_EQ(received(pair.near, Generation{2}), 1U);
  EXPECT_EQ(received(pair.near, kFirst), 0U);
}

TEST(TunnelProbes, GoWhereTheyAreSentAndAreEchoedToWhereTheyCameFrom) {
  Joined pair;
  ASSERT_TRUE(pair.near.apply(SendProbe{kFirst, 5, 1400, endpoint("2001:db8::9", 500)}));
  const auto sent = datagrams_of(pair.near);
  EXPECT_EQ(sent[0].to, endpoint("2001:db8::9", 500));
  EXPECT_EQ(outer_size(sent[0].octets.size(), Family::kIpv6), 1400U);
  (void)open(pair.far, sent[0].octets, kElsewhere);
  EXPECT_EQ(datagrams_of(pair.far)[0].to, kElsewhere);
}

// A NAT or a firewall on the way lets nothing else through, and the prober has asked about that address.
TEST(TunnelProbes, AreEchoedFromTheAddressThatTheyCameTo) {
  Joined pair;
  ASSERT_TRUE(pair.near.apply(SendProbe{kFirst, 5, 0, std::nullopt}));
  Bytes datagram = datagrams_of(pair.near)[0].octets;
  Bytes out(1500);
  const IpAddress second = endpoint("192.0.2.77").address;
  (void)pair.far.open({.datagram = datagram, .from = kNear, .to = second}, out);
  const auto echo = pair.far.next_datagram(out);
  ASSERT_TRUE(echo);
  EXPECT_EQ(echo->from, second);
}

TEST(TunnelProbes, AreAnsweredWithNoMoreOctetsThanCame) {
  Joined pair;
  std::size_t came = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    ASSERT_TRUE(pair.near.apply(SendProbe{kFirst, i, 68 + i * 7, std::nullopt}));
    const auto sent = datagrams_of(pair.near);
    came += sent[0].octets.size();
    (void)open(pair.far, sent[0].octets, kElsewhere);
    (void)open(pair.far, sent[0].octets, kElsewhere);  // a replay earns nothing
  }
  std::size_t answered = 0;
  for (const auto& echo : datagrams_of(pair.far)) answered += echo.octets.size();
  EXPECT_LE(answered, came);
  EXPECT_EQ(pair.far.counters().dummies_refused, 200 - Tunnel::kMaxWaiting)
      << "and no more than a batch's worth";
}

TEST(TunnelProbes, AreNotEchoedByWhatIsRetired) {
  Joined pair;
  ASSERT_TRUE(pair.near.apply(SendProbe{kFirst, 5, 0, std::nullopt}));
  deliver(pair.near, pair.far, kNear);
  ASSERT_TRUE(pair.far.apply(Retire{kFirst}));
  EXPECT_TRUE(datagrams_of(pair.far).empty());
  EXPECT_EQ(pair.far.counters().dummies_refused, 1U);
}

TEST(TunnelProbes, ThatDoNotFitTheOutputAreLeftOutAndTheNextOnesSent) {
  Joined pair;
  ASSERT_TRUE(pair.near.apply(SendProbe{kFirst, 5, 9000, std::nullopt}));
  ASSERT_TRUE(pair.near.apply(SendProbe{kFirst, 6, 0, std::nullopt}));
  Bytes out(1500);
  EXPECT_TRUE(pair.near.next_datagram(out));
  EXPECT_FALSE(pair.near.next_datagram(out));
  EXPECT_EQ(pair.near.counters().dummies_refused, 1U);
}

TEST(TunnelProbes, WaitInBoundedNumber) {
  Joined pair;
  for (std::uint64_t i = 0; i < Tunnel::kMaxWaiting; ++i)
    ASSERT_TRUE(pair.near.apply(SendProbe{kFirst, i, 0, std::nullopt}));
  EXPECT_EQ(pair.near.apply(SendProbe{kFirst, 1, 0, std::nullopt}).error().code, Error::Code::kRefused);
}

std::vector<TunnelEvent> moved(const Endpoint& from, RemoteMoved::By by = RemoteMoved::By::kPacket) {
  return {RemoteMoved{from, kFirst, Spi{0x1002}, by}};
}

TEST(TunnelRemote, MovesWithANewerAuthenticPacketFromElsewhere) {
  Joined pair;
  EXPECT_TRUE(open(pair.far, seal(pair.near, packet()), kNear));
  EXPECT_TRUE(events_of(pair.far).empty());
  EXPECT_TRUE(open(pair.far, seal(pair.near, packet()), kElsewhere));
  EXPECT_EQ(events_of(pair.far), moved(kElsewhere));
  EXPECT_EQ(pair.far.remote(), kNear) << "whether to follow is not the Tunnel's to decide";
}

// A newer packet from there, taken so long after the first.
void arrive(TunnelPair& pair, const Endpoint& from, Duration after) {
  const Bytes datagram = seal(pair.near, packet());
  Bytes out(opened_size(datagram.size()));
  EXPECT_TRUE(pair.far.open({.datagram = datagram, .from = from, .at = Instant{after}}, out));
}

TEST(TunnelRemote, IsToldOnceForAPlaceInSomeTime) {
  Joined pair;
  for (int i = 0; i < 5; ++i) {
    arrive(pair, kElsewhere, MovesTold::kPause / 6 * i);
    arrive(pair, kNear, MovesTold::kPause / 6 * i);  // back where packets go
  }
  EXPECT_EQ(events_of(pair.far), moved(kElsewhere));
  arrive(pair, kElsewhere, MovesTold::kPause - Duration{1});
  EXPECT_TRUE(events_of(pair.far).empty());
  arrive(pair, kElsewhere, MovesTold::kPause);
  EXPECT_EQ(events_of(pair.far), moved(kElsewhere)) << "the first word may have come to nothing";
}

TEST(TunnelRemote, IsToldOfAFewPlacesInSomeTime) {
  Joined pair;
  for (std::uint16_t port = 1; port <= 500; ++port) arrive(pair, endpoint("198.51.100.9", port), {});
  EXPECT_EQ(events_of(pair.far).size(), MovesTold::kMost);
  arrive(pair, kElsewhere, MovesTold::kPause);
  EXPECT_EQ(events_of(pair.far), moved(kElsewhere));
}

TEST(TunnelRemote, StaysForAnOlderPacketFromElsewhere) {
  Joined pair;
  const Bytes older = seal(pair.near, packet());
  EXPECT_TRUE(open(pair.far, seal(pair.near, packet()), kNear));
  EXPECT_TRUE(open(pair.far, older, kElsewhere));
  EXPECT_TRUE(events_of(pair.far).empty());
}

TEST(TunnelRemote, StaysForAForgedOrReplayedPacketFromElsewhere) {
  Joined pair;
  const Bytes good = seal(pair.near, packet());
  Bytes forged = seal(pair.near, packet());
  forged.back() ^= 1;
  EXPECT_TRUE(open(pair.far, good, kNear));
  EXPECT_FALSE(open(pair.far, forged, kElsewhere));
  EXPECT_FALSE(open(pair.far, good, kElsewhere));
  EXPECT_TRUE(events_of(pair.far).empty());
}

TEST(TunnelRemote, TellsAProbeFromElsewhereFromAPacket) {
  Joined pair;
  ASSERT_TRUE(pair.near.apply(SendProbe{kFirst, 5, 0, std::nullopt}));
  deliver(pair.near, pair.far, kElsewhere);
  const auto events = events_of(pair.far);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0], moved(kElsewhere, RemoteMoved::By::kDummy)[0]);
  EXPECT_TRUE(open(pair.far, seal(pair.near, packet()), kElsewhere));
  EXPECT_EQ(events_of(pair.far), moved(kElsewhere))
      << "a probe does not hide that packets come from there too";
}

TEST(TunnelRemote, IsNobodysToMoveBeforeThereIsOne) {
  TunnelPair pair;
  Tunnel far;
  ASSERT_TRUE(far.apply(SetSelector{selector()}));
  ASSERT_TRUE(far.apply(InstallInbound{kFirst, parameters(0x1002)}));
  pair.install(1);
  EXPECT_TRUE(open(far, seal(pair.near, packet()), kElsewhere));
  EXPECT_TRUE(events_of(far).empty());
}

TEST(TunnelRemote, IsToldAnewOfWhoSendsFromElsewhereOnceItHasBeenSet) {
  Joined pair;
  EXPECT_TRUE(open(pair.far, seal(pair.near, packet()), kElsewhere));
  EXPECT_EQ(events_of(pair.far), moved(kElsewhere));
  ASSERT_TRUE(pair.far.apply(SetRemote{kFar}));
  EXPECT_TRUE(open(pair.far, seal(pair.near, packet()), kElsewhere));
  EXPECT_EQ(events_of(pair.far), moved(kElsewhere));
  ASSERT_TRUE(pair.far.apply(SetRemote{kElsewhere}));
  EXPECT_TRUE(open(pair.far, seal(pair.near, packet()), kElsewhere));
  EXPECT_TRUE(events_of(pair.far).empty());
}

TEST(TunnelEvents, OfAMoveAreToldLaterIfTheyDidNotFit) {
  Joined pair;
  for (std::uint64_t i = 0; i < Tunnel::kMaxEvents + 3; ++i) {
    ASSERT_TRUE(pair.near.apply(SendProbe{kFirst, i, 0, std::nullopt}));
    deliver(pair.near, pair.far, kNear);
  }
  EXPECT_EQ(pair.far.counters().events_lost, 3U);
  EXPECT_TRUE(open(pair.far, seal(pair.near, packet()), kElsewhere));
  EXPECT_EQ(events_of(pair.far).size(), Tunnel::kMaxEvents);
  EXPECT_TRUE(open(pair.far, seal(pair.near, packet()), kElsewhere));
  EXPECT_EQ(events_of(pair.far), moved(kElsewhere));
}

SaLimits small() {
  SaLimits limits = SaLimits::of(false);
  limits.soft_packets = 3;
  limits.hard_packets = 5;
  return limits;
}

TEST(TunnelLimits, AreToldOnceEach) {
  Joined pair{{.limits = small()}};
  Bytes out(500);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(try_seal(pair.near, packet(), out));
  EXPECT_EQ(events_of(pair.near), (std::vector<TunnelEvent>{LimitReached{kFirst, false}}));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(try_seal(pair.near, packet(), out).error(), Drop::kHardLimit);
  EXPECT_EQ(events_of(pair.near), (std::vector<TunnelEvent>{LimitReached{kFirst, true}}));
  EXPECT_EQ(pair.near.counters().dropped(Drop::kHardLimit), 3U);
}

TEST(TunnelLimits, AreToldAtTheReceiversEndToo) {
  Joined pair{{.limits = small()}};
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(open(pair.far, seal(pair.near, packet())));
  EXPECT_EQ(events_of(pair.far), (std::vector<TunnelEvent>{LimitReached{kFirst, false}}));
}

TEST(TunnelLimits, HoldForProbesAsWell) {
  Joined pair{{.limits = small()}};
  for (std::uint64_t i = 0; i < 8; ++i) ASSERT_TRUE(pair.near.apply(SendProbe{kFirst, i, 0, std::nullopt}));
  EXPECT_EQ(datagrams_of(pair.near).size(), 5U);
}

TEST(TunnelLimits, EndWithTheirGeneration) {
  Joined pair{{.limits = small()}};
  Bytes out(500);
  for (int i = 0; i < 6; ++i) (void)try_seal(pair.near, packet(), out);
  pair.install(2);
  EXPECT_TRUE(try_seal(pair.near, packet(), out));
}

}  // namespace
}  // namespace isthmus::esp
