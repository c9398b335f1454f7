// Tunnels for tests: a pair that sends to each other, and what one of them says.
#pragma once

#include <cstdint>
#include <vector>

#include "base/check.h"
#include "esp/test_sas.h"
#include "esp/tunnel.h"

namespace isthmus::esp::test {

inline Endpoint endpoint(const char* address, std::uint16_t port = 22) {
  return {IpAddress::parse(address).value(), port};
}

inline const Endpoint kNear = endpoint("192.0.2.1");
inline const Endpoint kFar = endpoint("192.0.2.2", 40000);
inline const Endpoint kElsewhere = endpoint("198.51.100.9", 1024);

// What packet_of() makes comes from 10.1.0.5 or 2001:db8:1::5 and goes to 10.2.0.6 or 2001:db8:2::6.
inline Selector selector() {
  return {{Prefix::parse("10.1.0.0/16").value(), Prefix::parse("2001:db8:1::/48").value()},
          {Prefix::parse("10.2.0.0/16").value(), Prefix::parse("2001:db8:2::/48").value()}};
}

// Two tunnels that send to each other from kNear and kFar, with one SA each way for a generation.
struct TunnelPair {
  explicit TunnelPair(const TunnelOptions& options = {}) : near(options), far(options) {
    CHECK(near.apply(SetRemote{kFar}));
    CHECK(far.apply(SetRemote{kNear}));
    CHECK(near.apply(SetSelector{selector()}));
    CHECK(far.apply(SetSelector{selector()}));
  }

  void install(std::uint32_t generation, bool is_used = true,
               crypto::Cipher cipher = crypto::Cipher::kAes128Gcm, bool is_esn = false) {
    const Generation number{generation};
    const std::uint32_t there = 0x1000 + 2 * generation;
    CHECK(near.apply(InstallInbound{number, parameters(there + 1, cipher, is_esn)}));
    CHECK(far.apply(InstallInbound{number, parameters(there, cipher, is_esn)}));
    CHECK(near.apply(InstallOutbound{number, parameters(there, cipher, is_esn)}));
    CHECK(far.apply(InstallOutbound{number, parameters(there + 1, cipher, is_esn)}));
    if (!is_used) return;
    CHECK(near.apply(UseOutbound{number}));
    CHECK(far.apply(UseOutbound{number}));
  }

  Tunnel near;
  Tunnel far;
};

inline Verdict<Sealed> try_seal(Tunnel& tunnel, ConstBytes packet, MutableBytes out) {
  Bytes room = with_room(packet);
  return tunnel.seal(room, out);
}

inline Bytes seal(Tunnel& tunnel, ConstBytes packet) {
  Bytes out(sealed_size(packet.size()));
  out.resize(try_seal(tunnel, packet, out).value().size);
  return out;
}

inline Verdict<Bytes> open(Tunnel& tunnel, ConstBytes datagram, const Endpoint& from = kNear,
                           std::uint8_t traffic_class = 0) {
  Bytes out(opened_size(datagram.size()));
  const auto packet = tunnel.open({datagram, from, traffic_class}, out);
  if (!packet) return std::unexpected(packet.error());
  return Bytes(packet->begin(), packet->end());
}

struct OwnDatagram {
  Bytes octets;
  Endpoint to;
};

// What the tunnel itself wants to send.
inline std::vector<OwnDatagram> datagrams_of(Tunnel& tunnel) {
  std::vector<OwnDatagram> all;
  Bytes out(65536);
  while (const auto made = tunnel.next_datagram(out)) {
    all.push_back({Bytes(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(made->size)), made->to});
  }
  return all;
}

// Authentic, fresh packets of this generation.
inline std::uint64_t received(const Tunnel& tunnel, Generation generation) {
  std::uint64_t packets = 0;
  for (const SaStatus& sa : tunnel.status()) {
    const bool is_of_it = sa.direction == SaStatus::Direction::kInbound && sa.generation == generation;
    if (is_of_it) packets += sa.packets;
  }
  return packets;
}

inline std::vector<TunnelEvent> events_of(Tunnel& tunnel) {
  std::vector<TunnelEvent> all;
  while (const auto event = tunnel.next_event()) all.push_back(*event);
  return all;
}

}  // namespace isthmus::esp::test
