#include <gtest/gtest.h>

#include "esp/test_sas.h"

namespace isthmus::esp {
namespace {

using namespace test;

Bytes text(std::size_t size = 60) {
  return random_octets(size, size + 1);
}

TEST(Sa, BringsEverySizeThroughWithEveryCipherWithAndWithoutEsn) {
  for (const auto cipher : kCiphers) {
    for (const bool is_esn : {false, true}) {
      SaHalves sa{parameters(0x500, cipher, is_esn)};
      for (std::size_t size = 0; size < 300; ++size) ASSERT_EQ(sa.open(sa.seal(text(size))), text(size));
      ASSERT_EQ(sa.open(sa.seal(text(9000))), text(9000));
    }
  }
}

TEST(OutboundSa, CountsFromOneAndUsesTheCounterAsIv) {
  SaHalves sa{parameters(0x500)};
  for (std::uint8_t expected = 1; expected < 5; ++expected) {
    const Bytes packet = sa.seal(text());
    EXPECT_EQ(Bytes(packet.begin() + 4, packet.begin() + 8), (Bytes{0, 0, 0, expected}));
    EXPECT_EQ(Bytes(packet.begin() + 8, packet.begin() + 16), (Bytes{0, 0, 0, 0, 0, 0, 0, expected}));
  }
}

TEST(OutboundSa, RefusesAtTheHardLimitOfPacketsAndNeverWraps) {
  const SequenceNumber past{(std::uint64_t{1} << 32) - (std::uint64_t{1} << 16) - 1};
  SaHalves sa{parameters(0x500), past};
  Bytes out(200);
  EXPECT_TRUE(sa.try_seal(text(), out));
  const SequenceNumber last = sa.outbound.last();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(sa.try_seal(text(), out), std::unexpected(Drop::kHardLimit));
  EXPECT_EQ(sa.outbound.last(), last);
  EXPECT_EQ(last.value(), (std::uint64_t{1} << 32) - (std::uint64_t{1} << 16));
}

TEST(OutboundSa, GoesOnBeyond32BitsWithEsn) {
  SaHalves sa{parameters(0x500, crypto::Cipher::kAes128Gcm, true), SequenceNumber{0xfffffffe}};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(sa.open(sa.seal(text())), text());
  EXPECT_EQ(sa.outbound.last(), SequenceNumber{0x100000003});
  EXPECT_EQ(sa.inbound.highest(), SequenceNumber{0x100000003});
}

TEST(OutboundSa, RefusesAtTheHardLimitOfCipherCalls) {
  SaLimits limits = SaLimits::of(true);
  limits.hard_calls = 17;
  SaHalves sa{parameters(0x500, crypto::Cipher::kAes128Gcm, true), {}, &limits};
  Bytes out(200);
  // 60 octets and their trailer are 4 blocks, and the ICV takes one call more.
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(sa.try_seal(text(60), out));
  EXPECT_EQ(sa.try_seal(text(60), out), std::unexpected(Drop::kHardLimit));
  EXPECT_TRUE(sa.try_seal(text(10), out)) << "one block and the ICV still fit";
  EXPECT_EQ(sa.try_seal(Bytes{}, out), std::unexpected(Drop::kHardLimit));
}

TEST(OutboundSa, AsksForTheNextKeyAtEitherSoftLimit) {
  SaLimits limits = SaLimits::of(false);
  limits.soft_packets = 3;
  SaHalves by_packets{parameters(0x500), {}, &limits};
  for (int i = 0; i < 2; ++i) by_packets.seal(text());
  EXPECT_FALSE(by_packets.outbound.is_soft_limit_reached());
  by_packets.seal(text());
  EXPECT_TRUE(by_packets.outbound.is_soft_limit_reached());

  limits = SaLimits::of(false);
  limits.soft_blocks = 5;
  SaHalves by_blocks{parameters(0x500), {}, &limits};
  by_blocks.seal(text(60));
  EXPECT_FALSE(by_blocks.outbound.is_soft_limit_reached());
  by_blocks.seal(text(60));
  EXPECT_TRUE(by_blocks.outbound.is_soft_limit_reached());
}

TEST(SaLimits, AreThoseOfTheDocument) {
  EXPECT_EQ(SaLimits::of(false).soft_packets, 268435456U);
  EXPECT_EQ(SaLimits::of(false).soft_blocks, 17179869184U);
  EXPECT_EQ(SaLimits::of(false).hard_packets, 4294901760U);
  EXPECT_EQ(SaLimits::of(false).hard_calls, 68719476735U);
  EXPECT_EQ(SaLimits::of(true).hard_packets, 68719476735U);
}

TEST(OutboundSa, UsesNoNumberForWhatDoesNotFit) {
  SaHalves sa{parameters(0x500)};
  Bytes out(sealed_size(60) - 1);
  EXPECT_EQ(sa.try_seal(text(60), out), std::unexpected(Drop::kNoRoom));
  EXPECT_EQ(sa.outbound.last(), SequenceNumber{});
}

TEST(InboundSa, RejectsAReplay) {
  SaHalves sa{parameters(0x500)};
  const Bytes packet = sa.seal(text());
  EXPECT_TRUE(sa.open(packet));
  EXPECT_EQ(sa.open(packet), std::unexpected(Drop::kReplayed));
}

TEST(InboundSa, RejectsEveryFlippedBit) {
  for (const auto cipher : kCiphers) {
    SaHalves sa{parameters(0x500, cipher)};
    const Bytes packet = sa.seal(text());
    // The SPI is what found the SA.
    for (std::size_t bit = 32; bit < packet.size() * 8; ++bit) {
      Bytes forged = packet;
      forged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      const bool makes_number_0 = bit == 56;
      ASSERT_EQ(sa.open(forged), std::unexpected(makes_number_0 ? Drop::kReplayed : Drop::kAuthFailed))
          << bit;
    }
    EXPECT_TRUE(sa.open(packet)) << "none of them moved the window";
  }
}

TEST(InboundSa, LetsNoForgedNumberPushGenuinePacketsOut) {
  SaHalves sa{parameters(0x500)};
  const Bytes packet = sa.seal(text());
  Bytes forged = packet;
  forged[4] = 0x7f;
  EXPECT_EQ(sa.open(forged), std::unexpected(Drop::kAuthFailed));
  EXPECT_TRUE(sa.open(packet));
}

TEST(InboundSa, TellsNewerFromOlder) {
  SaHalves sa{parameters(0x500)};
  const Bytes first = sa.seal(text());
  const Bytes second = sa.seal(text());
  Bytes out(200);
  EXPECT_TRUE(sa.inbound.open(*parse_head(second), second, out)->is_newest);
  EXPECT_FALSE(sa.inbound.open(*parse_head(first), first, out)->is_newest);
}

TEST(InboundSa, TakesPacketsOfBothSidesOf32BitsInAnyOrder) {
  SaHalves sa{parameters(0x500, crypto::Cipher::kChaCha20Poly1305, true), SequenceNumber{0xffffff00}};
  std::vector<Bytes> packets;
  for (int i = 0; i < 512; ++i) packets.push_back(sa.seal(text()));
  for (std::size_t i = 0; i < packets.size(); ++i) ASSERT_TRUE(sa.open(packets[i * 257 % 512])) << i;
  for (const Bytes& packet : packets) ASSERT_EQ(sa.open(packet), std::unexpected(Drop::kReplayed));
}

TEST(InboundSa, RefusesAnOutputThatIsTooShortAndStaysAsItWas) {
  SaHalves sa{parameters(0x500)};
  const Bytes packet = sa.seal(text());
  Bytes out(opened_size(packet.size()) - 1);
  EXPECT_EQ(sa.inbound.open(*parse_head(packet), packet, out).error(), Drop::kNoRoom);
  EXPECT_TRUE(sa.open(packet));
}

TEST(InboundSa, OpensInPlace) {
  for (const auto cipher : kCiphers) {
    SaHalves sa{parameters(0x500, cipher)};
    Bytes packet = sa.seal(text(1400));
    const auto head = parse_head(packet);
    const auto opened = sa.inbound.open(*head, packet, MutableBytes{packet}.subspan(kHeaderSize));
    EXPECT_TRUE(std::ranges::equal(opened->payload->text, text(1400)));
  }
}

TEST(InboundSa, KeepsCountOfAuthenticFreshPacketsAlone) {
  SaHalves sa{parameters(0x500)};
  const Bytes packet = sa.seal(text());
  (void)sa.open(packet);
  (void)sa.open(packet);
  Bytes forged = sa.seal(text());
  forged.back() ^= 1;
  (void)sa.open(forged);
  EXPECT_EQ(sa.inbound.packets(), 1U);
  EXPECT_EQ(sa.inbound.blocks(), sa.outbound.blocks() / 2);
}

// RFC 4303 appendix A3.
TEST(InboundSa, FindsTheUpperHalfAgainAfter2To32LostPackets) {
  for (const std::uint32_t subspaces : {1U, 3U, EsnResync::kTries}) {
    const SaParameters sa = parameters(0x500, crypto::Cipher::kAes256Gcm, true);
    SaHalves before{sa, SequenceNumber{0, 1'000'000}};
    SaHalves after{sa, SequenceNumber{subspaces, 2'000'000}};
    for (std::uint32_t i = 0; i < EsnResync::kTrigger; ++i)
      ASSERT_EQ(before.open(after.seal(text())), std::unexpected(Drop::kAuthFailed));
    EXPECT_EQ(before.open(after.seal(text())), text()) << subspaces;
    EXPECT_EQ(before.open(after.seal(text())), text()) << "and those that follow, without another search";
    EXPECT_EQ(before.inbound.highest(), after.outbound.last());
  }
}

TEST(InboundSa, FindsTheUpperHalfAgainInPlaceToo) {
  const SaParameters sa = parameters(0x500, crypto::Cipher::kAes256Gcm, true);
  SaHalves before{sa, SequenceNumber{0, 1'000'000}};
  SaHalves after{sa, SequenceNumber{1, 2'000'000}};
  for (std::uint32_t i = 0; i < EsnResync::kTrigger; ++i) (void)before.open(after.seal(text()));
  Bytes packet = after.seal(text());
  const auto head = parse_head(packet);
  const auto opened = before.inbound.open(*head, packet, MutableBytes{packet}.subspan(kHeaderSize));
  ASSERT_TRUE(opened);
  EXPECT_TRUE(std::ranges::equal(opened->payload->text, text()));
}

TEST(InboundSa, SearchesRarelyAndOnlySoFar) {
  const SaParameters sa = parameters(0x500, crypto::Cipher::kAes128Gcm, true);
  SaHalves before{sa, SequenceNumber{0, 1'000'000}};
  SaHalves after{sa, SequenceNumber{EsnResync::kTries + 1, 2'000'000}};
  for (std::uint32_t i = 0; i < 3 * EsnResync::kTrigger; ++i)
    ASSERT_EQ(before.open(after.seal(text())), std::unexpected(Drop::kAuthFailed));
}

TEST(InboundSa, ForgetsFailuresAtTheNextGoodPacket) {
  const SaParameters sa = parameters(0x500, crypto::Cipher::kAes128Gcm, true);
  SaHalves before{sa, SequenceNumber{0, 1'000'000}};
  SaHalves after{sa, SequenceNumber{1, 2'000'000}};
  for (std::uint32_t i = 0; i < EsnResync::kTrigger; ++i) (void)before.open(after.seal(text()));
  EXPECT_TRUE(before.open(before.seal(text())));
  EXPECT_EQ(before.open(after.seal(text())), std::unexpected(Drop::kAuthFailed));
}

}  // namespace
}  // namespace isthmus::esp
