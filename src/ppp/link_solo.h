// For tests: one Link whose peer is the test itself.
#pragma once

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "ppp/link_end.h"

namespace isthmus::ppp::test {

// One Link whose peer is the test.
class Solo : public End {
 public:
  explicit Solo(LinkOptions options = caller_options()) : End(std::move(options), 7) {}

  void up() { link.carrier_up(now); }
  void feed(Protocol protocol, ConstBytes information) {
    feed(static_cast<std::uint16_t>(protocol), information);
  }
  void feed(std::uint16_t protocol, ConstBytes information) {
    Bytes stream;
    encode_frame(protocol, information, {}, stream);
    link.receive(now, stream, *this);
  }
  void feed(Protocol protocol, Code code, std::uint8_t identifier, ConstBytes data) {
    Bytes information;
    append_control_packet(code, identifier, data, information);
    feed(protocol, information);
  }
  // What it sent since the last call.
  std::vector<OwnedFrame> sent() { return frames_in(link.take_octets()); }
  // Stops at every deadline on the way; what it sends meanwhile waits for sent().
  void run(Duration length) {
    const Instant end = now + length;
    for (auto next = link.next_deadline(); next && *next <= end; next = link.next_deadline()) {
      now = std::max(now, *next);
      link.advance(now);
    }
    now = end;
  }
  // Acks every Configure-Request of these frames as a peer without wishes would.
  void ack(const std::vector<OwnedFrame>& frames) {
    for (const OwnedFrame& frame : frames) {
      const auto packet = parse_control_packet(frame.information);
      if (!packet || packet->code != static_cast<std::uint8_t>(Code::kConfigureRequest)) continue;
      feed(static_cast<Protocol>(frame.protocol), Code::kConfigureAck, packet->identifier, packet->data);
    }
  }
  // LCP Opened with a peer that asks for nothing; returns the first requests of the network protocols.
  std::vector<OwnedFrame> open_lcp() {
    up();
    ack(sent());
    feed(Protocol::kLcp, Code::kConfigureRequest, 1, {});
    return sent();
  }

  Instant now{std::chrono::hours{1}};
};

// The first control packet of `code` among `frames` of `protocol`, copied; empty if there is none.
struct OwnedPacket {
  std::uint8_t identifier = 0;
  Bytes data;
};
inline std::optional<OwnedPacket> find(const std::vector<OwnedFrame>& frames, Protocol protocol, Code code) {
  for (const OwnedFrame& frame : frames) {
    if (frame.protocol != static_cast<std::uint16_t>(protocol)) continue;
    const auto packet = parse_control_packet(frame.information);
    if (packet && packet->code == static_cast<std::uint8_t>(code))
      return OwnedPacket{packet->identifier, Bytes(packet->data.begin(), packet->data.end())};
  }
  return std::nullopt;
}

}  // namespace isthmus::ppp::test
