#include "io/vnet_header.h"

#include <gtest/gtest.h>

#include "net/checksum.h"
#include "net/test_packets.h"

namespace isthmus::io {
namespace {

using test::packet_of;
using test::Parts;

// What Linux leaves in the checksum field of a packet whose checksum it wants computed by somebody else.
Bytes with_pseudo_sum(Bytes packet) {
  const TransportView view = *view_transport(packet);
  const std::size_t length = packet.size() - view.transport_at;
  test::set_u16(packet, view.checksum_at(), fold_sum(pseudo_header_sum(packet, view, length)));
  return packet;
}

VnetHeader wanting_checksum(const Bytes& packet) {
  const TransportView view = *view_transport(packet);
  return {.flags = kVnetNeedsChecksum,
          .checksum_start = static_cast<std::uint16_t>(view.transport_at),
          .checksum_offset = static_cast<std::uint16_t>(view.checksum_at() - view.transport_at)};
}

Bytes data_of(int version, int protocol, std::size_t payload) {
  return packet_of(
      {.version = version, .protocol = protocol, .payload = test::random_octets(payload, payload)});
}

std::uint8_t gso_of(int version, int protocol) {
  if (protocol == 17) return kGsoUdp;
  return version == 4 ? kGsoTcpIpv4 : kGsoTcpIpv6;
}

TEST(AcceptPacket, CompletesTheChecksumOfAnOrdinaryPacket) {
  for (const int version : {4, 6}) {
    for (const int protocol : {6, 17}) {
      const Bytes right = data_of(version, protocol, 101);
      Bytes octets = with_pseudo_sum(right);
      ASSERT_NE(octets, right);
      EXPECT_EQ(accept_packet(wanting_checksum(octets), octets), 0);
      EXPECT_EQ(octets, right);
    }
  }
}

TEST(AcceptPacket, LeavesACompletePacketAlone) {
  Bytes octets = test::random_octets(100, 1);
  const Bytes before = octets;
  EXPECT_EQ(accept_packet({}, octets), 0);
  EXPECT_EQ(octets, before);
}

TEST(AcceptPacket, NeverWritesAChecksumOutsideOfThePacket) {
  const Bytes packet = data_of(4, 6, 30);
  for (const int start : {0, 20, 69, 70, 71, 65535}) {
    for (const int offset : {0, 16, 49, 50, 51, 65535}) {
      Bytes octets = packet;
      const VnetHeader header{.flags = kVnetNeedsChecksum,
                              .checksum_start = static_cast<std::uint16_t>(start),
                              .checksum_offset = static_cast<std::uint16_t>(offset)};
      EXPECT_EQ(accept_packet(header, octets).has_value(), start + offset + 2 <= 70)
          << start << " " << offset;
    }
  }
}

TEST(AcceptPacket, KnowsTheSuperPacketsOfBothProtocolsAlsoWithTheEcnMark) {
  for (const int version : {4, 6}) {
    for (const int protocol : {6, 17}) {
      Bytes octets = data_of(version, protocol, 3000);
      VnetHeader header = wanting_checksum(octets);
      header.gso_type = gso_of(version, protocol) | kGsoEcn;
      header.segment_size = 1000;
      EXPECT_EQ(accept_packet(header, octets), 1000);
    }
  }
}

TEST(AcceptPacket, TakesOneOfASingleSegmentForAnOrdinaryPacket) {
  const Bytes right = data_of(4, 6, 1000);
  Bytes octets = with_pseudo_sum(right);
  VnetHeader header = wanting_checksum(octets);
  header.gso_type = kGsoTcpIpv4;
  header.segment_size = 1000;
  EXPECT_EQ(accept_packet(header, octets), 0);
  EXPECT_EQ(octets, right);
}

TEST(AcceptPacket, RefusesSuperPacketsOfAnotherForm) {
  const auto refuses = [](std::uint8_t gso_type, std::uint16_t segment_size, Bytes octets) {
    return !accept_packet({.flags = kVnetNeedsChecksum, .gso_type = gso_type, .segment_size = segment_size},
                          octets);
  };
  const Bytes tcp = data_of(4, 6, 3000);
  EXPECT_FALSE(refuses(kGsoTcpIpv4, 1000, tcp));
  EXPECT_TRUE(refuses(kGsoTcpIpv6, 1000, tcp)) << "another family";
  EXPECT_TRUE(refuses(kGsoUdp, 1000, tcp)) << "another protocol";
  EXPECT_TRUE(refuses(3, 1000, data_of(4, 17, 3000))) << "fragments of one datagram";
  EXPECT_TRUE(refuses(2, 1000, tcp)) << "unknown";
  EXPECT_TRUE(refuses(kGsoTcpIpv4, 0, tcp)) << "no size";
  EXPECT_TRUE(refuses(kGsoTcpIpv4, 1000, test::slice(tcp, 0, 2000))) << "truncated";
  EXPECT_TRUE(refuses(kGsoTcpIpv4, 1000, test::random_octets(3000, 1))) << "no packet";
}

TEST(MakeVnetHeaders, SaysWhereTheKernelGoesOnSumming) {
  const Bytes right = data_of(6, 17, 3000);
  const auto made = make_vnet_headers(right, 1000);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->vnet.flags, 1);
  EXPECT_EQ(made->vnet.gso_type, 5);
  EXPECT_EQ(made->vnet.header_length, 48);
  EXPECT_EQ(made->vnet.segment_size, 1000);
  EXPECT_EQ(made->vnet.checksum_start, 40);
  EXPECT_EQ(made->vnet.checksum_offset, 6);
  EXPECT_EQ(test::slice(Bytes(made->headers.begin(), made->headers.end()), 0, 48),
            test::slice(with_pseudo_sum(right), 0, 48));
}

TEST(MakeVnetHeaders, CompletesTheChecksumOfTheIpv4Header) {
  Bytes packet = data_of(4, 6, 3000);
  const Bytes right = with_pseudo_sum(packet);
  test::set_u16(packet, 10, 0);
  const auto made = make_vnet_headers(packet, 1000);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->vnet.gso_type, 1);
  EXPECT_EQ(made->vnet.checksum_offset, 16);
  EXPECT_EQ(test::slice(Bytes(made->headers.begin(), made->headers.end()), 0, 40), test::slice(right, 0, 40));
}

TEST(MakeVnetHeaders, RefusesWhatIsNoSuperPacket) {
  EXPECT_FALSE(make_vnet_headers(data_of(4, 6, 3000), 3000));
  EXPECT_FALSE(make_vnet_headers(test::random_octets(3000, 1), 1000));
}

}  // namespace
}  // namespace isthmus::io
