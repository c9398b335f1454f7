#include "esp/tunnel.h"

#include <gtest/gtest.h>

#include "esp/test_tunnels.h"

namespace isthmus::esp {
namespace {

using namespace test;

Bytes packet(int version = 4, int traffic_class = 0) {
  Parts parts;
  parts.version = version;
  parts.tos = traffic_class;
  parts.payload = random_octets(100, 4);
  return packet_of(parts);
}

struct Joined : TunnelPair {
  explicit Joined(const TunnelOptions& options = {}) : TunnelPair(options) { install(1); }
};

TEST(Tunnel, BringsPacketsOfBothVersionsThrough) {
  Joined pair;
  for (const int version : {4, 6})
    EXPECT_EQ(open(pair.far, seal(pair.near, packet(version))), packet(version));
  EXPECT_EQ(pair.near.counters().packets_sent, 2U);
  EXPECT_EQ(pair.far.counters().packets_received, 2U);
  EXPECT_EQ(pair.near.counters().octets_sent, packet(4).size() + packet(6).size());
  EXPECT_EQ(pair.far.counters().octets_received, pair.near.counters().octets_sent);
}

TEST(Tunnel, OpensInPlaceAndBehindWhatIsThereAlready) {
  Joined pair;
  Bytes datagram = seal(pair.near, packet());
  const auto opened = pair.far.open({datagram, kNear, 0}, MutableBytes{datagram}.subspan(kHeaderSize));
  EXPECT_TRUE(std::ranges::equal(*opened, packet()));

  Bytes train(1000, 7);
  datagram = seal(pair.near, packet());
  EXPECT_TRUE(pair.far.open({datagram, kNear, 0}, MutableBytes{train}.subspan(300)));
  EXPECT_TRUE(std::ranges::equal(ConstBytes{train}.first(300), Bytes(300, 7)));
  EXPECT_TRUE(std::ranges::equal(ConstBytes{train}.subspan(300, packet().size()), packet()));
  const std::size_t written = opened_size(datagram.size());
  EXPECT_TRUE(std::ranges::equal(ConstBytes{train}.subspan(300 + written), Bytes(700 - written, 7)));
}

TEST(Tunnel, SendsNothingBeforeItHasAnSaInUseAndARemote) {
  Tunnel tunnel;
  Bytes out(500);
  EXPECT_EQ(try_seal(tunnel, packet(), out).error(), Drop::kNoOutbound);
  ASSERT_TRUE(tunnel.apply(InstallOutbound{Generation{1}, parameters(0x500)}));
  ASSERT_TRUE(tunnel.apply(SetRemote{kFar}));
  EXPECT_EQ(try_seal(tunnel, packet(), out).error(), Drop::kNoOutbound)
      << "an SA is for probes until it is used";
  ASSERT_TRUE(tunnel.apply(UseOutbound{Generation{1}}));
  EXPECT_TRUE(try_seal(tunnel, packet(), out));
  EXPECT_EQ(tunnel.counters().dropped(Drop::kNoOutbound), 2U);
}

TEST(Tunnel, UsesNoNumberForAPacketThatCouldGoNowhere) {
  Tunnel tunnel;
  Bytes out(500);
  ASSERT_TRUE(tunnel.apply(InstallOutbound{Generation{1}, parameters(0x500)}));
  ASSERT_TRUE(tunnel.apply(UseOutbound{Generation{1}}));
  EXPECT_EQ(try_seal(tunnel, packet(), out).error(), Drop::kNoOutbound);
  EXPECT_EQ(tunnel.status()[0].highest_sequence, 0U);
}

TEST(Tunnel, LetsNothingInBeforeItHasASelector) {
  TunnelPair pair;
  ASSERT_TRUE(pair.far.apply(SetSelector{}));
  pair.install(1);
  EXPECT_EQ(open(pair.far, seal(pair.near, packet())), std::unexpected(Drop::kSelector));
}

TEST(Tunnel, StopsAnAuthenticPacketThatThePeerMayNotSend) {
  Joined pair;
  Bytes spoofed = packet();
  spoofed[12] = 172;
  EXPECT_EQ(open(pair.far, seal(pair.near, spoofed)), std::unexpected(Drop::kSelector));
  Bytes misdirected = packet();
  misdirected[16] = 172;
  EXPECT_EQ(open(pair.far, seal(pair.near, misdirected)), std::unexpected(Drop::kSelector));
}

TEST(Tunnel, TellsWhyItDropsInTheOrderOfItsChecks) {
  Joined pair;
  const Bytes good = seal(pair.near, packet());
  EXPECT_EQ(open(pair.far, Bytes{0xff}), std::unexpected(Drop::kKeepalive));
  EXPECT_EQ(open(pair.far, Bytes(48, 0)), std::unexpected(Drop::kNonEsp));
  EXPECT_EQ(open(pair.far, Bytes{}), std::unexpected(Drop::kBadLength));
  EXPECT_EQ(open(pair.far, ConstBytes{good}.first(kMinPacket - 1)), std::unexpected(Drop::kBadLength));
  EXPECT_EQ(open(pair.far, ConstBytes{good}.first(good.size() - 1)), std::unexpected(Drop::kBadLength));
  Bytes elsewhere = good;
  elsewhere[3] ^= 1;
  EXPECT_EQ(open(pair.far, elsewhere), std::unexpected(Drop::kUnknownSpi));
  Bytes forged = good;
  forged.back() ^= 1;
  EXPECT_EQ(open(pair.far, forged), std::unexpected(Drop::kAuthFailed));
  EXPECT_TRUE(open(pair.far, good));
  EXPECT_EQ(open(pair.far, forged), std::unexpected(Drop::kReplayed)) << "before any cipher is asked";
}

TEST(Tunnel, CountsEveryDatagramOnce) {
  Joined pair;
  const Bytes good = seal(pair.near, packet());
  for (const Bytes& datagram : {good, good, Bytes{0xff}, Bytes(48, 0), Bytes(40, 9), Bytes{1, 2, 3}})
    (void)open(pair.far, datagram);
  const TunnelCounters& counters = pair.far.counters();
  std::uint64_t sum = counters.packets_received;
  for (const std::uint64_t drops : counters.drops) sum += drops;
  EXPECT_EQ(sum, 6U);
  EXPECT_EQ(counters.dropped(Drop::kReplayed), 1U);
  EXPECT_EQ(counters.dropped(Drop::kBadLength), 1U);
  EXPECT_EQ(counters.dropped(Drop::kUnknownSpi), 1U);
}

// The peer's SA, for packets that no Tunnel sends.
Bytes seal_by_hand(ConstBytes text, std::uint8_t next_header, std::uint32_t number = 1) {
  const SaParameters sa = parameters(0x1002);
  Bytes out(sealed_size(text.size()));
  Bytes room = with_room(text);
  seal_packet(cipher_of(sa), {.spi = sa.spi, .sequence = SequenceNumber{number}},
              {.room = room, .next_header = next_header, .iv = 1'000'000 + number}, out);
  return out;
}

TEST(Tunnel, TakesNoNextHeaderButIpAndDummies) {
  Joined pair;
  EXPECT_EQ(open(pair.far, seal_by_hand(packet(), 6, 1)), std::unexpected(Drop::kNextHeader));
  EXPECT_EQ(open(pair.far, seal_by_hand(packet(), 59, 2)), std::unexpected(Drop::kDummy));
  EXPECT_EQ(open(pair.far, seal_by_hand(Bytes{}, 59, 3)), std::unexpected(Drop::kDummy));
  EXPECT_EQ(open(pair.far, seal_by_hand(packet(4), 41, 4)), std::unexpected(Drop::kNoWholePacket));
  EXPECT_EQ(open(pair.far, seal_by_hand(packet(6), 4, 5)), std::unexpected(Drop::kNoWholePacket));
  EXPECT_EQ(open(pair.far, seal_by_hand(Bytes(8, 0x45), 4, 6)), std::unexpected(Drop::kNoWholePacket));
  EXPECT_EQ(open(pair.far, seal_by_hand(Bytes{}, 4, 7)), std::unexpected(Drop::kNoWholePacket));
}

TEST(Tunnel, TakesOffPaddingForTrafficFlowConfidentiality) {
  Joined pair;
  Bytes padded = packet();
  padded.resize(padded.size() + 333, 0x5a);
  EXPECT_EQ(open(pair.far, seal_by_hand(padded, 4)), packet());
}

TEST(Tunnel, TellsOfABadTrailer) {
  Joined pair;
  const SaParameters sa = parameters(0x1002);
  const SaCipher cipher = cipher_of(sa);
  // 100 octets of text with a trailer of their own make: pad length 2, but the padding is 1, 1.
  Bytes out(kHeaderSize + 104 + crypto::kIcvSize);
  out[2] = 0x10, out[3] = 0x02, out[7] = 1;
  const Bytes tail{1, 1, 2, 4};
  const ConstBytes aad = ConstBytes{out}.first(8);
  crypto::Nonce nonce{};
  std::ranges::copy(sa.salt, nonce.begin());
  Bytes room(104, 1);
  cipher.aead->seal(nonce, aad, room, tail, MutableBytes{out}.subspan(kHeaderSize));
  EXPECT_EQ(open(pair.far, out), std::unexpected(Drop::kBadTrailer));
}

TEST(Tunnel, CarriesEcnAndChosenDscpOutwards) {
  Bytes out(500);
  Joined zero;
  EXPECT_EQ(try_seal(zero.near, packet(4, 0xb9), out)->traffic_class, 0x01);
  EXPECT_EQ(try_seal(zero.near, packet(6, 0xba), out)->traffic_class, 0x02);
  Joined copied{{.dscp = OuterDscp::kCopied, .limits = {}}};
  EXPECT_EQ(try_seal(copied.near, packet(4, 0xb9), out)->traffic_class, 0xb9);
  EXPECT_EQ(try_seal(copied.near, packet(6, 0xba), out)->traffic_class, 0xba);
}

TEST(Tunnel, BringsAMarkOfTheOuterHeaderInside) {
  Joined pair;
  for (const int version : {4, 6}) {
    EXPECT_EQ(open(pair.far, seal(pair.near, packet(version, 0xb2)), kNear, 3), packet(version, 0xb3));
    EXPECT_EQ(open(pair.far, seal(pair.near, packet(version, 0xb2)), kNear, 0xfc), packet(version, 0xb2))
        << "and DSCP stays as it was inside";
    EXPECT_EQ(open(pair.far, seal(pair.near, packet(version, 0xb0)), kNear, 3),
              std::unexpected(Drop::kCongested));
  }
  EXPECT_EQ(pair.far.counters().unexpected_ecn, 2U);
}

Verdict<Bytes> open_marked_here(Tunnel& tunnel, ConstBytes datagram, std::uint8_t traffic_class) {
  Bytes out(opened_size(datagram.size()));
  const auto packet = tunnel.open(
      {.datagram = datagram, .from = kNear, .traffic_class = traffic_class, .is_marked_here = true}, out);
  if (!packet) return std::unexpected(packet.error());
  return Bytes(packet->begin(), packet->end());
}

TEST(Tunnel, MarksWhatWaitedHereAsCongestionAndNotAsSomebodysFault) {
  Joined pair;
  for (const int version : {4, 6}) {
    EXPECT_EQ(open_marked_here(pair.far, seal(pair.near, packet(version, 0xb2)), 2), packet(version, 0xb3));
    EXPECT_EQ(open_marked_here(pair.far, seal(pair.near, packet(version, 0xb3)), 3), packet(version, 0xb3));
    EXPECT_EQ(open_marked_here(pair.far, seal(pair.near, packet(version, 0xb0)), 0),
              std::unexpected(Drop::kCongested));
  }
  EXPECT_EQ(pair.far.counters().dropped(Drop::kCongested), 2U);
  EXPECT_EQ(pair.far.counters().unexpected_ecn, 0U);
  (void)open_marked_here(pair.far, seal(pair.near, packet(4, 0xb3)), 1);
  EXPECT_EQ(pair.far.counters().unexpected_ecn, 1U) << "what came wrong is told of all the same";
}

TEST(Tunnel, RefusesToSealWhatIsNoIp) {
  Joined pair;
  Bytes out(500);
  EXPECT_EQ(try_seal(pair.near, Bytes{}, out).error(), Drop::kNotIp);
  EXPECT_EQ(try_seal(pair.near, Bytes(40, 0x50), out).error(), Drop::kNotIp);
  EXPECT_EQ(try_seal(pair.near, packet(), MutableBytes{out}.first(100)).error(), Drop::kNoRoom);
}

TEST(Tunnel, KeepsTwoGenerationsApart) {
  Joined pair;
  const Bytes of_the_first = seal(pair.near, packet());
  pair.install(2);
  const Bytes of_the_second = seal(pair.near, packet());
  EXPECT_TRUE(open(pair.far, of_the_second));
  EXPECT_TRUE(open(pair.far, of_the_first)) << "the old one is still taken";
  EXPECT_EQ(received(pair.far, Generation{1}), 1U);
  EXPECT_EQ(received(pair.far, Generation{2}), 1U);
  EXPECT_EQ(received(pair.far, Generation{3}), 0U);
}

TEST(Tunnel, TakesNothingByARetiredGeneration) {
  Joined pair;
  const Bytes late = seal(pair.near, packet());
  pair.install(2);
  ASSERT_TRUE(pair.far.apply(Retire{Generation{1}}));
  EXPECT_EQ(open(pair.far, late), std::unexpected(Drop::kUnknownSpi));
  EXPECT_TRUE(open(pair.far, seal(pair.near, packet())));
  EXPECT_EQ(pair.far.status().size(), 2U);
}

TEST(Tunnel, SendsNothingByARetiredGeneration) {
  Joined pair;
  Bytes out(500);
  ASSERT_TRUE(pair.near.apply(Retire{Generation{1}}));
  EXPECT_EQ(try_seal(pair.near, packet(), out).error(), Drop::kNoOutbound);
}

TEST(Tunnel, CanLetTheOldInboundSasOutliveTheOutboundOne) {
  Joined pair;
  pair.install(2);
  const Bytes late = [&] {
    TunnelPair old;
    old.install(1);
    return seal(old.near, packet());
  }();
  ASSERT_TRUE(pair.far.apply(RetireOutbound{Generation{1}}));
  EXPECT_TRUE(open(pair.far, late));
  ASSERT_TRUE(pair.far.apply(Retire{Generation{1}}));
}

// A worker that came into a generation by one direction alone, or never, is told to retire it like all.
TEST(Tunnel, RetiresWhatIsGoneWithoutAWord) {
  Joined pair;
  EXPECT_TRUE(pair.near.apply(Retire{Generation{9}}));
  EXPECT_TRUE(pair.near.apply(RetireOutbound{Generation{9}}));
  EXPECT_TRUE(open(pair.far, seal(pair.near, packet())));
  EXPECT_TRUE(open(pair.near, seal(pair.far, packet())));
}

TEST(Tunnel, RefusesCommandsThatCannotBe) {
  Joined pair;
  const auto code = [](const Result<void>& result) { return result.error().code; };
  EXPECT_EQ(code(pair.near.apply(UseOutbound{Generation{9}})), Error::Code::kNotFound);
  EXPECT_EQ(code(pair.near.apply(SendProbe{.generation = Generation{9}, .to = {}})), Error::Code::kNotFound);
  EXPECT_EQ(code(pair.near.apply(InstallInbound{Generation{2}, parameters(0x1003)})), Error::Code::kExists);
  EXPECT_EQ(code(pair.near.apply(InstallOutbound{Generation{1}, parameters(0x9999)})), Error::Code::kExists);
  EXPECT_EQ(code(pair.near.apply(InstallInbound{Generation{2}, parameters(255)})), Error::Code::kInvalid);
  EXPECT_EQ(code(pair.near.apply(InstallOutbound{Generation{2}, parameters(0)})), Error::Code::kInvalid);
  Tunnel fresh;
  ASSERT_TRUE(fresh.apply(InstallOutbound{Generation{1}, parameters(0x500)}));
  EXPECT_EQ(code(fresh.apply(SendProbe{.generation = Generation{1}, .to = {}})), Error::Code::kInvalid);
}

TEST(Tunnel, RefusesMoreSasThanItHoldsRoomFor) {
  Tunnel tunnel;
  for (std::uint32_t i = 0; i < Tunnel::kMaxInbound; ++i)
    ASSERT_TRUE(tunnel.apply(InstallInbound{Generation{i}, parameters(1000 + i)}));
  EXPECT_EQ(tunnel.apply(InstallInbound{Generation{0}, parameters(999)}).error().code, Error::Code::kRefused);
  for (std::uint32_t i = 0; i < Tunnel::kMaxOutbound; ++i)
    ASSERT_TRUE(tunnel.apply(InstallOutbound{Generation{i}, parameters(1000 + i)}));
  EXPECT_EQ(tunnel.apply(InstallOutbound{Generation{77}, parameters(999)}).error().code,
            Error::Code::kRefused);
}

TEST(Tunnel, ShowsItsSas) {
  Joined pair;
  (void)seal(pair.near, packet());
  const auto all = pair.near.status();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].direction, SaStatus::Direction::kInbound);
  EXPECT_EQ(all[0].spi, Spi{0x1003});
  EXPECT_EQ(all[1].spi, Spi{0x1002});
  EXPECT_TRUE(all[1].is_in_use);
  EXPECT_EQ(all[1].packets, 1U);
  EXPECT_EQ(all[1].highest_sequence, 1U);
  EXPECT_EQ(all[1].blocks, (packet().size() + 2 + 15) / 16);
}

}  // namespace
}  // namespace isthmus::esp
