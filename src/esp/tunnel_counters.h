// What a Tunnel has counted. Values without heap, so that a worker can hand them over between two packets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "esp/drop.h"
#include "esp/generation.h"
#include "esp/spi.h"

namespace isthmus::esp {

struct TunnelCounters {
  // Inner packets and their octets.
  std::uint64_t packets_sent = 0;
  std::uint64_t octets_sent = 0;
  std::uint64_t packets_received = 0;
  std::uint64_t octets_received = 0;
  std::uint64_t dummies_sent = 0;     // probes and echoes
  std::uint64_t dummies_refused = 0;  // echoes and probes that could not be sent
  std::uint64_t events_lost = 0;      // the control thread did not take them in time
  // Combinations of inner and outer ECN that no tunnel makes (RFC 6040 section 4.2): something on the way
  // rewrites what it should not.
  std::uint64_t unexpected_ecn = 0;
  // Every datagram given to open() is in packets_received or here, and every packet given to seal() in
  // packets_sent or here.
  std::array<std::uint64_t, kDropCount> drops{};

  [[nodiscard]] std::uint64_t dropped(Drop drop) const { return drops[static_cast<std::size_t>(drop)]; }
  void count(Drop drop) { ++drops[static_cast<std::size_t>(drop)]; }

  // Of another worker's Tunnel.
  TunnelCounters& operator+=(const TunnelCounters& other) {
    packets_sent += other.packets_sent;
    octets_sent += other.octets_sent;
    packets_received += other.packets_received;
    octets_received += other.octets_received;
    dummies_sent += other.dummies_sent;
    dummies_refused += other.dummies_refused;
    events_lost += other.events_lost;
    unexpected_ecn += other.unexpected_ecn;
    for (std::size_t i = 0; i < kDropCount; ++i) drops[i] += other.drops[i];
    return *this;
  }

  friend bool operator==(const TunnelCounters&, const TunnelCounters&) = default;
};

// One SA as `status` shows it.
struct SaStatus {
  enum class Direction : std::uint8_t { kInbound, kOutbound };
  Generation generation{};
  Direction direction = Direction::kInbound;
  Spi spi{};
  bool is_in_use = false;     // outbound: packets go by it
  std::uint64_t packets = 0;  // inbound: authentic and fresh; dummies count too
  std::uint64_t blocks = 0;   // of 16 octets
  std::uint64_t highest_sequence = 0;

  friend bool operator==(const SaStatus&, const SaStatus&) = default;
};

}  // namespace isthmus::esp
