// RFC 4303, section by section, and the two octets of RFC 3948 that tell ESP from everything else on its
// port. docs/protocol/esp.md has the same in words.
#include <gtest/gtest.h>

#include "esp/test_tunnels.h"
#include "esp/udp_encap.h"

namespace isthmus::esp {
namespace {

using namespace test;

constexpr auto kGcm = crypto::Cipher::kAes128Gcm;

Bytes packet() {
  Parts parts;
  parts.payload = Bytes(33, 5);
  return packet_of(parts);
}

TEST(Rfc4303Section21, AnSpiBelow256IsNotInstalled) {
  Tunnel tunnel;
  EXPECT_FALSE(tunnel.apply(InstallInbound{Generation{1}, parameters(255)}));
  EXPECT_TRUE(tunnel.apply(InstallInbound{Generation{1}, parameters(256)}));
}

TEST(Rfc4303Section22, TheFirstPacketHasNumber1) {
  SaHalves sa{parameters(0x500)};
  EXPECT_EQ(parse_head(sa.seal(packet()))->sequence, 1U);
}

TEST(Rfc4303Section221, OnlyTheLowerHalfOfAnExtendedNumberIsSent) {
  SaHalves sa{parameters(0x500, kGcm, true), SequenceNumber{7, 41}};
  EXPECT_EQ(parse_head(sa.seal(packet()))->sequence, 42U);
}

TEST(Rfc4303Section221, TheUpperHalfCountsInTheIcv) {
  const SaParameters sa = parameters(0x500, kGcm, true);
  SaHalves sender{sa, SequenceNumber{8, 41}};
  SaHalves receiver{sa, SequenceNumber{7, 41}};
  EXPECT_EQ(receiver.open(sender.seal(packet())), std::unexpected(Drop::kAuthFailed));
}

TEST(Rfc4303Section24, PaddingEndsTheTextOnAWordAndCountsUp) {
  const SaParameters sa = parameters(0x500);
  for (std::size_t size = 20; size < 40; ++size) {
    SaHalves halves{sa};
    const Bytes sealed = halves.seal(Bytes(size, 0xee));
    Bytes plain(opened_size(sealed.size()));
    ASSERT_TRUE(open_packet(cipher_of(sa), {.spi = sa.spi, .sequence = SequenceNumber{1}}, sealed, plain));
    const std::size_t padding = plain.size() - size - 2;
    ASSERT_LT(padding, 4U) << "RFC 4106 section 3.2: the least there can be";
    ASSERT_EQ(plain[plain.size() - 2], padding);
    for (std::size_t i = 0; i < padding; ++i) ASSERT_EQ(plain[size + i], i + 1);
  }
}

TEST(Rfc4303Section26, ADummyIsDiscardedWithoutAnError) {
  TunnelPair pair;
  pair.install(1);
  ASSERT_TRUE(pair.near.apply(SendProbe{Generation{1}, 1, 0, std::nullopt}));
  EXPECT_EQ(open(pair.far, datagrams_of(pair.near)[0].octets), std::unexpected(Drop::kProbe));
  EXPECT_TRUE(open(pair.far, seal(pair.near, packet())));
}

TEST(Rfc4303Section26, NextHeaderIs4Or41ByTheVersionInside) {
  const SaParameters sa = parameters(0x1002);
  TunnelPair pair;
  pair.install(1);
  for (const auto& [version, next_header] : {std::pair{4, 4}, {6, 41}}) {
    Parts parts;
    parts.version = version;
    const Bytes sealed = seal(pair.near, packet_of(parts));
    Bytes plain(opened_size(sealed.size()));
    const PacketLabel label{.spi = sa.spi, .sequence = SequenceNumber{parse_head(sealed)->sequence}};
    ASSERT_TRUE(open_packet(cipher_of(sa), label, sealed, plain));
    EXPECT_EQ(plain.back(), next_header);
  }
}

TEST(Rfc4303Section333, ACounterThatWouldCycleSendsNothing) {
  SaLimits limits = SaLimits::of(false);
  limits.hard_packets = 0xffffffff;
  SaHalves sa{parameters(0x500), SequenceNumber{0xfffffffe}, &limits};
  Bytes out(200);
  EXPECT_TRUE(sa.try_seal(packet(), out));
  EXPECT_EQ(sa.try_seal(packet(), out), std::unexpected(Drop::kHardLimit));
}

TEST(Rfc4303Section342, AnUnknownSpiIsDiscarded) {
  TunnelPair pair;
  pair.install(1);
  EXPECT_EQ(open(pair.near, seal(pair.near, packet())), std::unexpected(Drop::kUnknownSpi))
      << "our own, reflected";
}

TEST(Rfc4303Section343, TheWindowMovesOnlyAfterTheIcvHasBeenVerified) {
  SaHalves sa{parameters(0x500)};
  const Bytes first = sa.seal(packet());
  for (int i = 0; i < 10000; ++i) (void)sa.seal(packet());
  Bytes forged = sa.seal(packet());
  forged[20] ^= 1;
  EXPECT_EQ(sa.open(forged), std::unexpected(Drop::kAuthFailed));
  EXPECT_EQ(sa.open(first), packet());
}

TEST(Rfc4303Section343, ADuplicateIsRefusedBeforeTheCipherIsAsked) {
  SaHalves sa{parameters(0x500)};
  const Bytes sealed = sa.seal(packet());
  EXPECT_TRUE(sa.open(sealed));
  Bytes damaged = sealed;
  damaged.back() ^= 1;
  EXPECT_EQ(sa.open(damaged), std::unexpected(Drop::kReplayed));
}

TEST(Rfc4303Section3442, NothingOfAPacketThatIsNotAuthenticComesOut) {
  SaHalves sa{parameters(0x500)};
  Bytes forged = sa.seal(packet());
  forged.back() ^= 1;
  Bytes out(opened_size(forged.size()), 0xaa);
  EXPECT_FALSE(sa.inbound.open(*parse_head(forged), forged, out));
  EXPECT_EQ(out, Bytes(out.size(), 0));
}

TEST(Rfc4303AppendixA22, AReplayAcrossTheBoundaryOf32BitsIsRefused) {
  SaHalves sa{parameters(0x500, kGcm, true), SequenceNumber{0xfffffff0}};
  std::vector<Bytes> sealed;
  for (int i = 0; i < 32; ++i) sealed.push_back(sa.seal(packet()));
  for (const Bytes& one : sealed) EXPECT_TRUE(sa.open(one));
  for (const Bytes& one : sealed) EXPECT_EQ(sa.open(one), std::unexpected(Drop::kReplayed));
}

// The example of docs/protocol/esp.md.
TEST(EspDocument, ThePacketHasTheOctetsOfTheExample) {
  const Bytes text{0x45, 0x02, 0x00, 0x23, 0x00, 0x01, 0x00, 0x00, 0x40, 0x01, 0x66, 0xca,
                   0x0a, 0x01, 0x00, 0x05, 0x0a, 0x02, 0x00, 0x06, 0x08, 0x00, 0x39, 0xa6,
                   0x00, 0x07, 0x00, 0x01, 0x69, 0x73, 0x74, 0x68, 0x6d, 0x75, 0x73};
  const Bytes expected{0x00, 0x00, 0x10, 0x02, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00,
                       0x00, 0x00, 0x00, 0x01, 0x03, 0x73, 0x1c, 0xd1, 0x6c, 0x85, 0x77, 0x50,
                       0xc7, 0x6d, 0x20, 0xdd, 0xd1, 0x05, 0x94, 0x63, 0x1b, 0xf0, 0x19, 0x85,
                       0x9e, 0xf5, 0xb9, 0x04, 0x6d, 0xf6, 0x8b, 0x11, 0x75, 0xd5, 0x2b, 0x7a,
                       0x86, 0x8e, 0xbd, 0xaa, 0x27, 0x32, 0x93, 0xd3, 0xb6, 0x94, 0x82, 0xa0,
                       0x92, 0xa4, 0xfb, 0x28, 0x7f, 0x96, 0x20, 0x50, 0x35, 0xf2, 0x5d, 0x34};
  const Bytes icv_with_esn{0x57, 0xc3, 0x0e, 0x69, 0x2e, 0xa1, 0x6f, 0xe5,
                           0xca, 0x9f, 0x5f, 0x2a, 0xa7, 0xe2, 0xf7, 0x68};
  for (const bool is_esn : {false, true}) {
    SaParameters sa;
    sa.spi = Spi{0x1002};
    for (std::uint8_t i = 0; i < 16; ++i) sa.key.writable()[i] = i;
    sa.salt = {0xa0, 0xa1, 0xa2, 0xa3};
    sa.is_esn = is_esn;
    SaHalves halves{sa};
    const Bytes packet_made = halves.seal(text);
    EXPECT_TRUE(std::equal(packet_made.begin(), packet_made.end() - 16, expected.begin()));
    EXPECT_EQ(Bytes(packet_made.end() - 16, packet_made.end()),
              is_esn ? icv_with_esn : Bytes(expected.end() - 16, expected.end()));
  }
}

TEST(Rfc3948Section2, OneOctetAndFourZerosAreNoEsp) {
  EXPECT_EQ(classify(Bytes{0xff}), UdpPayload::kKeepalive);
  EXPECT_EQ(classify(Bytes{0, 0, 0, 0, 0x21}), UdpPayload::kNonEsp);
}

}  // namespace
}  // namespace isthmus::esp
