#include "net/segmenter.h"

#include <gtest/gtest.h>

#include "net/checksum.h"
#include "net/test_packets.h"

namespace isthmus {
namespace {

using test::OwnedPacket;
using test::packet_of;
using test::Parts;
using test::random_octets;
using test::train_of;

std::vector<OwnedPacket> pieces_of(Bytes super, std::uint16_t segment_size, std::size_t most) {
  std::vector<OwnedPacket> pieces;
  cut(super, segment_size, most,
      [&](MutableBytes octets, std::uint16_t size) { pieces.emplace_back(octets, size); });
  return pieces;
}

std::vector<Bytes> packets_of(const Bytes& super, std::uint16_t segment_size) {
  std::vector<Bytes> packets;
  for (OwnedPacket& piece : pieces_of(super, segment_size, 0)) {
    EXPECT_EQ(piece.segment_size, 0);
    packets.push_back(std::move(piece.octets));
  }
  return packets;
}

// All kinds of a train whose headers change on the way.
std::vector<Parts> all_kinds() {
  std::vector<Parts> kinds;
  for (const int version : {4, 6}) {
    for (const int protocol : {6, 17}) {
      Parts parts{.version = version, .protocol = protocol};
      parts.identification = 0xfffe;
      parts.sequence = 0xffffff00;
      parts.flags = 0x10 | 0x08 | 0x01 | 0x80 | 0x40;
      kinds.push_back(parts);
      if (protocol == 6) parts.tcp_options = random_octets(40, 1);
      if (version == 4) parts.ip_options = Bytes(40, 1);
      kinds.push_back(parts);
    }
  }
  return kinds;
}

TEST(Segmenter, CutsIntoThePacketsTheSenderWouldHaveMade) {
  for (Parts parts : all_kinds()) {
    for (const std::size_t size :
         {std::size_t{101}, std::size_t{1000}, std::size_t{1001}, std::size_t{30000}}) {
      for (const std::uint16_t segment_size : {std::uint16_t{100}, std::uint16_t{997}}) {
        if (size <= segment_size) continue;
        parts.payload = random_octets(size, size);
        ASSERT_EQ(packets_of(packet_of(parts), segment_size), train_of(parts, segment_size))
            << parts.version << " " << parts.protocol << " " << size << " " << segment_size;
      }
    }
  }
}

TEST(Segmenter, CutsTheSameThroughSmallerSuperPackets) {
  for (Parts parts : all_kinds()) {
    parts.payload = random_octets(9999, 3);
    const Bytes super = packet_of(parts);
    for (std::size_t most = 0; most <= super.size() + 1; most += most < 400 ? 7 : 331) {
      std::vector<Bytes> packets;
      for (OwnedPacket& piece : pieces_of(super, 100, most)) {
        if (piece.segment_size == 0) {
          packets.push_back(std::move(piece.octets));
          continue;
        }
        ASSERT_LE(piece.octets.size(), most);
        ASSERT_TRUE(check_super_packet(piece.octets, piece.segment_size));
        for (Bytes& packet : packets_of(piece.octets, 100)) packets.push_back(std::move(packet));
      }
      ASSERT_EQ(packets, train_of(parts, 100)) << most;
    }
  }
}

TEST(Segmenter, GivesAWholeOneOutWholeIfItMayBe) {
  const Bytes super = packet_of({.payload = random_octets(1001, 1)});
  const std::vector<OwnedPacket> pieces = pieces_of(super, 100, super.size());
  ASSERT_EQ(pieces.size(), 1U);
  EXPECT_EQ(pieces[0].octets, super);
  EXPECT_EQ(pieces[0].segment_size, 100);
}

TEST(Segmenter, TakesTheLargestPacketThereIs) {
  Parts parts{.version = 6, .protocol = 17};
  parts.payload = random_octets(kMaxPacket - 48, 3);
  EXPECT_EQ(packets_of(packet_of(parts), 1232), train_of(parts, 1232));
}

TEST(Segmenter, MakesASegmentOfASmallerSizeThanItsHeaders) {
  Parts parts{.tcp_options = Bytes(40, 1), .payload = random_octets(50, 1)};
  EXPECT_EQ(packets_of(packet_of(parts), 8), train_of(parts, 8));
}

TEST(CheckSuperPacket, WantsMoreThanOneSegment) {
  const Bytes packet = packet_of({.payload = Bytes(100)});
  EXPECT_TRUE(check_super_packet(packet, 99));
  EXPECT_FALSE(check_super_packet(packet, 100));
  EXPECT_FALSE(check_super_packet(packet, 65535));
  EXPECT_FALSE(check_super_packet(packet, 0));
  EXPECT_FALSE(check_super_packet(packet_of({}), 1));
}

TEST(CheckSuperPacket, BoundsTheNumberOfPackets) {
  const Bytes tcp = packet_of({.payload = Bytes(60000)});
  EXPECT_TRUE(check_super_packet(tcp, 8));
  EXPECT_FALSE(check_super_packet(tcp, 7));
  const Bytes udp = packet_of({.protocol = 17, .payload = Bytes(1024)});
  EXPECT_TRUE(check_super_packet(udp, 1));
  EXPECT_FALSE(check_super_packet(packet_of({.protocol = 17, .payload = Bytes(1025)}), 1));
}

TEST(CheckSuperPacket, RefusesWhatNoSenderCutsUp) {
  for (int flags = 0; flags < 256; ++flags) {
    const Bytes packet = packet_of({.flags = static_cast<std::uint8_t>(flags), .payload = Bytes(100)});
    const bool is_data = (flags & 0x10) != 0 && (flags & 0x26) == 0;
    EXPECT_EQ(check_super_packet(packet, 50).has_value(), is_data) << flags;
  }
  EXPECT_FALSE(check_super_packet(packet_of({.fragment = 0x2000, .payload = Bytes(100)}), 50));
  EXPECT_FALSE(check_super_packet(packet_of({.protocol = 1, .payload = Bytes(100)}), 50));
}

TEST(CheckSuperPacket, BoundsTheHeadersThatEachPacketRepeats) {
  Bytes options(kMaxSuperHeader - 40 - 8);
  options[0] = 17;
  options[1] = static_cast<std::uint8_t>(options.size() / 8 - 1);
  Parts parts{.version = 6, .protocol = 17, .ip_options = options, .next_header = 60, .payload = Bytes(100)};
  EXPECT_TRUE(check_super_packet(packet_of(parts), 50));
  parts.ip_options.resize(options.size() + 8);
  parts.ip_options[1] = static_cast<std::uint8_t>(parts.ip_options.size() / 8 - 1);
  EXPECT_FALSE(check_super_packet(packet_of(parts), 50));
}

TEST(Segmenter, GivesNothingOutOfWhatIsNoSuperPacket) {
  const Bytes super = packet_of({.payload = Bytes(1000)});
  for (std::size_t size = 0; size < super.size(); ++size) {
    ASSERT_TRUE(pieces_of(test::slice(super, 0, size), 100, 0).empty()) << size;
  }
}

}  // namespace
}  // namespace isthmus
