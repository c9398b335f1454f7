#include "net/checksum.h"

#include <gtest/gtest.h>

#include "net/test_packets.h"

namespace isthmus {
namespace {

TEST(SumOctets, AgreesWithTheSlowOneAtEveryLengthAndPlace) {
  const Bytes octets = test::random_octets(700, 1);
  for (std::size_t at = 0; at < 9; ++at) {
    for (std::size_t size = 0; size + at <= octets.size(); ++size) {
      const ConstBytes part = ConstBytes{octets}.subspan(at, size);
      ASSERT_EQ(sum_octets(part), test::slow_sum(part)) << at << " " << size;
    }
  }
}

TEST(SumOctets, CarriesThroughTheLargestPacketOfOnes) {
  EXPECT_EQ(sum_octets(Bytes(65535, 0xff)), test::slow_sum(Bytes(65535, 0xff)));
  EXPECT_EQ(sum_octets(Bytes(65534, 0xff)), 0xffff);
}

// The worked example of RFC 1071 section 3.
TEST(Rfc1071Section3, SumsTheExample) {
  EXPECT_EQ(sum_octets(Bytes{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}), 0xddf2);
}

TEST(Ipv4Checksum, IsCompletedAndRecognised) {
  const Bytes packet = test::packet_of({.ip_options = Bytes(8, 1), .payload = Bytes(10)});
  Bytes header = test::slice(packet, 0, 28);
  EXPECT_TRUE(is_ipv4_checksum_right(header));
  test::set_u16(header, 10, 0x1234);
  EXPECT_FALSE(is_ipv4_checksum_right(header));
  complete_ipv4_checksum(header);
  EXPECT_EQ(header, test::slice(packet, 0, 28));
}

TEST(TransportChecksum, IsCompletedForBothProtocolsInBothFamilies) {
  for (const int version : {4, 6}) {
    for (const int protocol : {6, 17}) {
      for (std::size_t size = 0; size < 70; ++size) {
        const Bytes right = test::packet_of(
            {.version = version, .protocol = protocol, .payload = test::random_octets(size, size)});
        const TransportView view = *view_transport(right);
        Bytes packet = right;
        test::set_u16(packet, view.checksum_at(), 0x5555);
        ASSERT_EQ(transport_checksum_state(packet, view), ChecksumState::kWrong);
        complete_transport_checksum(packet, view);
        ASSERT_EQ(packet, right) << version << " " << protocol << " " << size;
        ASSERT_EQ(transport_checksum_state(packet, view), ChecksumState::kRight);
      }
    }
  }
}

TEST(TransportChecksum, OfADatagramIsNeverTheZeroThatSaysNone) {
  // A payload that makes the sum of all the rest 0xffff: its one word is the checksum without it.
  Bytes packet = test::packet_of({.protocol = 17, .payload = Bytes(2)});
  test::set_u16(packet, 28, static_cast<std::size_t>(packet[26] << 8 | packet[27]));
  complete_transport_checksum(packet, *view_transport(packet));
  EXPECT_EQ(test::slice(packet, 26, 2), (Bytes{0xff, 0xff}));
  EXPECT_EQ(transport_checksum_state(packet, *view_transport(packet)), ChecksumState::kRight);
}

TEST(TransportChecksum, MayBeMissingFromADatagramOverIpv4Alone) {
  for (const int version : {4, 6}) {
    Bytes packet = test::packet_of({.version = version, .protocol = 17, .payload = Bytes(2)});
    const TransportView view = *view_transport(packet);
    test::set_u16(packet, view.checksum_at(), 0);
    EXPECT_EQ(transport_checksum_state(packet, view),
              version == 4 ? ChecksumState::kNone : ChecksumState::kWrong);
  }
}

TEST(TransportChecksum, SeesEveryBitThatFlips) {
  const Bytes right = test::packet_of({.payload = test::random_octets(33, 4)});
  const TransportView view = *view_transport(right);
  for (std::size_t bit = 12 * 8; bit < right.size() * 8; ++bit) {
    Bytes packet = right;
    packet[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    ASSERT_EQ(transport_checksum_state(packet, view), ChecksumState::kWrong) << bit;
  }
}

}  // namespace
}  // namespace isthmus
