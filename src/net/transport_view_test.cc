#include "net/transport_view.h"

#include <gtest/gtest.h>

#include "net/test_packets.h"

namespace isthmus {
namespace {

using test::packet_of;
using test::Parts;

// One extension header of 8 or more octets, named by what stands before it.
Bytes extension(int next, std::size_t octets, int segments_left = 0) {
  Bytes header(octets);
  header[0] = static_cast<std::uint8_t>(next);
  header[1] = static_cast<std::uint8_t>(octets / 8 - 1);
  header[3] = static_cast<std::uint8_t>(segments_left);
  return header;
}

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

TEST(TransportView, FindsHeadersAndPayload) {
  const Bytes tcp = packet_of({.ip_options = Bytes(4, 1), .tcp_options = Bytes(12, 1), .payload = Bytes(5)});
  EXPECT_EQ(view_transport(tcp), (TransportView{Family::kIpv4, Transport::kTcp, 24, 56}));
  const Bytes udp = packet_of({.version = 6, .protocol = 17, .payload = Bytes(5)});
  EXPECT_EQ(view_transport(udp), (TransportView{Family::kIpv6, Transport::kUdp, 40, 48}));
}

TEST(TransportView, PassesOverExtensionHeaders) {
  const Bytes three = extension(60, 8) + extension(43, 24) + extension(6, 8);
  const Bytes packet = packet_of({.version = 6, .ip_options = three, .next_header = 0});
  EXPECT_EQ(view_transport(packet), (TransportView{Family::kIpv6, Transport::kTcp, 80, 100}));
}

TEST(TransportView, RefusesExtensionHeadersItMustNotPass) {
  const auto refused = [](const Bytes& headers, int first) {
    return !view_transport(packet_of({.version = 6, .ip_options = headers, .next_header = first}));
  };
  EXPECT_TRUE(refused(extension(6, 8), 44)) << "fragment";
  EXPECT_TRUE(refused(extension(6, 24, 1), 43)) << "routing with segments left";
  EXPECT_TRUE(refused(extension(0, 8) + extension(6, 8), 60)) << "hop-by-hop that is not first";
  EXPECT_TRUE(refused(extension(6, 8), 51)) << "authentication";
  Bytes many;
  for (int i = 0; i < 4; ++i) many = many + extension(60, 8);
  EXPECT_TRUE(refused(many + extension(6, 8), 60)) << "too many";
  Bytes beyond = extension(6, 8);
  beyond[1] = 255;
  EXPECT_TRUE(refused(beyond, 60)) << "longer than the packet";
}

TEST(TransportView, RefusesFragments) {
  for (const int field : {0x2000, 0x0001, 0x1fff, 0x6000}) {
    EXPECT_FALSE(
        view_transport(packet_of({.fragment = static_cast<std::uint16_t>(field), .payload = Bytes(9)})))
        << field;
  }
}

TEST(TransportView, RefusesEveryTruncationAndEveryOctetTooMany) {
  for (const int version : {4, 6}) {
    for (const int protocol : {6, 17}) {
      const Bytes whole = packet_of({.version = version, .protocol = protocol, .payload = Bytes(9)});
      for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(view_transport(ConstBytes{whole}.first(size))) << size;
      }
      EXPECT_FALSE(view_transport(whole + Bytes(1)));
      EXPECT_TRUE(view_transport(whole));
    }
  }
}

TEST(TransportView, RefusesLengthsThatLie) {
  Bytes ihl = packet_of({.payload = Bytes(40)});
  for (const int first : {0x40, 0x44, 0x4f}) {
    ihl[0] = static_cast<std::uint8_t>(first);
    EXPECT_FALSE(view_transport(ihl)) << first;
  }
  Bytes offset = packet_of({.payload = Bytes(39)});
  for (const int field : {0x00, 0x40, 0xf0}) {
    offset[32] = static_cast<std::uint8_t>(field);
    EXPECT_FALSE(view_transport(offset)) << field;
  }
  Bytes udp = packet_of({.protocol = 17, .payload = Bytes(40)});
  for (const std::size_t length : {std::size_t{0}, std::size_t{7}, std::size_t{47}, std::size_t{49}}) {
    test::set_u16(udp, 24, length);
    EXPECT_FALSE(view_transport(udp)) << length;
  }
}

TEST(TransportView, RefusesOtherProtocolsAndVersions) {
  EXPECT_FALSE(view_transport(packet_of({.protocol = 1, .payload = Bytes(40)})));
  Bytes five = packet_of({.payload = Bytes(40)});
  five[0] = 0x55;
  EXPECT_FALSE(view_transport(five));
}

TEST(TransportView, NeverReadsOutsideOfRandomOctets) {
  for (std::uint64_t seed = 0; seed < 20000; ++seed) {
    Bytes octets = test::random_octets(seed % 120, seed);
    if (octets.size() > 6) {
      octets[0] = seed % 2 == 0 ? 0x45 : 0x60;
      octets[6] = seed % 3 == 0 ? 60 : 6;
      test::set_u16(octets, seed % 2 == 0 ? 2 : 4, octets.size() - (seed % 2 == 0 ? 0 : 40));
    }
    const auto view = view_transport(octets);
    ASSERT_TRUE(!view || view->payload_at <= octets.size());
  }
}

}  // namespace
}  // namespace isthmus
