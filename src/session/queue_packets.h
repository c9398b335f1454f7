// Packets for the tests of the queue: right headers, chosen fields, nothing else.
#pragma once

#include <algorithm>

#include "base/bytes.h"
#include "net/test_packets.h"

namespace isthmus::session {

struct TestPacket {
  unsigned flow = 1;  // becomes the source port
  std::size_t size = 1500;
  unsigned ecn = 0;
  std::uint8_t tag = 0;  // stands in the last octet
};

// The Internet checksum of an IPv4 header: 0 if the one in it is right.
inline unsigned header_checksum(ConstBytes header) {
  return 0xffffU - test::slow_sum(header);
}

// UDP over IPv4; 28 octets at least.
inline Bytes ipv4_packet(const TestPacket& fields) {
  Bytes packet(fields.size, 0x55);
  const auto set16 = [&](std::size_t at, std::size_t value) { test::set_u16(packet, at, value); };
  set16(0, 0x4500 | fields.ecn);
  set16(2, fields.size);
  for (std::size_t at = 4; at < 20; at += 2) set16(at, 0);
  packet[8] = 64;
  packet[9] = 17;
  packet[12] = packet[16] = 10;
  packet[15] = 1;
  packet[19] = 2;
  set16(10, header_checksum(ConstBytes{packet}.first(20)));
  set16(20, fields.flow);
  set16(22, 7);
  packet.back() = fields.tag;
  return packet;
}

// UDP over IPv6; 48 octets at least.
inline Bytes ipv6_packet(const TestPacket& fields) {
  Bytes packet(fields.size, 0x55);
  std::fill_n(packet.begin(), 40, std::uint8_t{0});
  packet[0] = 0x60;
  packet[1] = static_cast<std::uint8_t>(fields.ecn << 4);
  packet[4] = static_cast<std::uint8_t>((fields.size - 40) >> 8);
  packet[5] = static_cast<std::uint8_t>(fields.size - 40);
  packet[6] = 17;
  packet[7] = 64;
  packet[8] = packet[24] = 0xfd;
  packet[23] = 1;
  packet[39] = 2;
  packet[40] = static_cast<std::uint8_t>(fields.flow >> 8);
  packet[41] = static_cast<std::uint8_t>(fields.flow);
  packet.back() = fields.tag;
  return packet;
}

}  // namespace isthmus::session
