// Packets for tests, and the checksum spelled out word by word, as RFC 1071 section 4.1 does: what the fast
// code is compared with.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "base/bytes.h"
#include "base/seeded_random.h"
#include "net/packet.h"

namespace isthmus::test {

// A packet or super-packet that outlives the call it was given in.
struct OwnedPacket {
  OwnedPacket(ConstBytes packet, std::uint16_t size)
      : octets(packet.begin(), packet.end()), segment_size(size) {}
  Bytes octets;
  std::uint16_t segment_size;
};

inline std::uint16_t slow_sum(ConstBytes octets) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    sum += i % 2 == 0 ? octets[i] * 256U : octets[i];
    if (sum > 0xffff) sum = sum - 0x10000 + 1;
  }
  return static_cast<std::uint16_t>(sum);
}

inline Bytes random_octets(std::size_t size, std::uint64_t seed) {
  Bytes octets(size);
  SeededRandom{seed}.fill(octets);
  return octets;
}

// What is to be put together.
struct Parts {
  int version = 4;
  int protocol = 6;
  int source_port = 1000;
  std::uint16_t identification = 7;
  std::uint16_t fragment = 0x4000;  // the field with the flags
  Bytes ip_options = {};            // or extension headers, the first of `next_header`
  int next_header = -1;
  std::uint32_t sequence = 1;
  std::uint32_t acknowledgement = 9;
  std::uint16_t window = 500;
  std::uint8_t flags = 0x10;
  Bytes tcp_options = {};
  Bytes payload = {};
  int tos = 0;
  int hops = 64;
};

inline void put(Bytes& out, std::uint64_t value, int octets) {
  while (octets-- > 0) out.push_back(static_cast<std::uint8_t>(value >> (8 * octets)));
}

inline Bytes transport_of(const Parts& parts) {
  Bytes out;
  put(out, static_cast<std::uint64_t>(parts.source_port), 2);
  put(out, 80, 2);
  if (parts.protocol == 17) {
    put(out, 8 + parts.payload.size(), 2);
    put(out, 0, 2);
  } else {
    put(out, parts.sequence, 4);
    put(out, parts.acknowledgement, 4);
    put(out, (5 + parts.tcp_options.size() / 4) * 16, 1);
    put(out, parts.flags, 1);
    put(out, parts.window, 2);
    put(out, 0, 4);
    out.insert(out.end(), parts.tcp_options.begin(), parts.tcp_options.end());
  }
  out.insert(out.end(), parts.payload.begin(), parts.payload.end());
  return out;
}

inline Bytes ip_header_of(const Parts& parts, std::size_t transport) {
  Bytes out;
  if (parts.version == 4) {
    put(out, 0x45 + parts.ip_options.size() / 4, 1);
    put(out, static_cast<std::uint64_t>(parts.tos), 1);
    put(out, 20 + parts.ip_options.size() + transport, 2);
    put(out, parts.identification, 2);
    put(out, parts.fragment, 2);
    put(out, static_cast<std::uint64_t>(parts.hops), 1);
    put(out, static_cast<std::uint64_t>(parts.protocol), 1);
    put(out, 0, 2);
    put(out, 0x0a010005, 4);
    put(out, 0x0a020006, 4);
  } else {
    put(out, 0x60000000 | static_cast<std::uint32_t>(parts.tos) << 20, 4);
    put(out, parts.ip_options.size() + transport, 2);
    put(out, static_cast<std::uint64_t>(parts.next_header < 0 ? parts.protocol : parts.next_header), 1);
    put(out, static_cast<std::uint64_t>(parts.hops), 1);
    for (const std::uint64_t word :
         std::initializer_list<std::uint64_t>{0x20010db800010000U, 5U, 0x20010db800020000U, 6U})
      put(out, word, 8);
  }
  out.insert(out.end(), parts.ip_options.begin(), parts.ip_options.end());
  return out;
}

inline void set_u16(Bytes& octets, std::size_t at, std::size_t value) {
  octets.at(at) = static_cast<std::uint8_t>(value >> 8U);
  octets.at(at + 1) = static_cast<std::uint8_t>(value);
}

// One packet with all its checksums.
inline Bytes packet_of(const Parts& parts) {
  Bytes transport = transport_of(parts);
  Bytes header = ip_header_of(parts, transport.size());
  const bool is_v4 = parts.version == 4;
  if (is_v4) set_u16(header, 10, 0xffffU - slow_sum(header));

  Bytes covered(header.begin() + (is_v4 ? 12 : 8), header.begin() + (is_v4 ? 20 : 40));
  put(covered, static_cast<std::uint64_t>(parts.protocol), 2);
  put(covered, transport.size(), 2);
  covered.insert(covered.end(), transport.begin(), transport.end());
  const std::size_t sum = 0xffffU - slow_sum(covered);
  set_u16(transport, parts.protocol == 17 ? 6 : 16, sum == 0 ? 0xffff : sum);
  header.insert(header.end(), transport.begin(), transport.end());
  return header;
}

inline Bytes slice(const Bytes& octets, std::size_t at, std::size_t size) {
  const auto first = octets.begin() + static_cast<std::ptrdiff_t>(at);
  return {first, first + static_cast<std::ptrdiff_t>(size)};
}

// The packets that `parts` stand for if its payload is that of a super-packet, each put together on its own.
inline std::vector<Bytes> train_of(const Parts& parts, std::size_t segment_size) {
  std::vector<Bytes> train;
  for (std::size_t at = 0; at < parts.payload.size(); at += segment_size) {
    Parts one = parts;
    const bool is_last = at + segment_size >= parts.payload.size();
    one.payload = slice(parts.payload, at, is_last ? parts.payload.size() - at : segment_size);
    one.sequence = parts.sequence + static_cast<std::uint32_t>(at);
    one.identification = static_cast<std::uint16_t>(parts.identification + train.size());
    if (!is_last) one.flags &= 0xf6;
    if (at > 0) one.flags &= 0x7f;
    train.push_back(packet_of(one));
  }
  return train;
}

}  // namespace isthmus::test
