// For tests: two Links joined by a wire in virtual time, and one Link with a scripted peer.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/seeded_random.h"
#include "ppp/control_packet.h"
#include "ppp/hdlc_decoder.h"
#include "ppp/hdlc_encoder.h"
#include "ppp/link.h"

namespace isthmus::ppp::test {

// What a peer file would say: everything but what nobody may have.
class AnyHost final : public AddressPolicy {
 public:
  bool permits_remote(const IpAddress& address) const override { return address != forbidden; }
  bool permits_local(const IpAddress& address) const override { return address != forbidden; }
  IpAddress forbidden;
};

inline IpAddress ip(std::string_view text) {
  return *IpAddress::parse(text);
}

struct OwnedFrame {
  std::uint16_t protocol = 0;
  Bytes information;
  friend bool operator==(const OwnedFrame&, const OwnedFrame&) = default;
};

inline std::vector<OwnedFrame> frames_in(ConstBytes stream) {
  HdlcDecoder decoder(65535);
  decoder.set_receive_accm(0);
  std::vector<OwnedFrame> out;
  decoder.feed(stream, [&](const Frame& frame) {
    out.push_back({frame.protocol, Bytes(frame.information.begin(), frame.information.end())});
  });
  return out;
}

inline Bytes option(std::uint8_t type, ConstBytes value) {
  Bytes out;
  append_option(type, value, out);
  return out;
}
inline Bytes address_option(std::uint8_t type, std::string_view address) {
  return option(type, ip(address).octets());
}

// A Link and everything it said.
class End : public PacketSink {
 public:
  End(LinkOptions options, std::uint64_t seed) : random_(seed), link(std::move(options), random_, policy) {}

  void packet(Family family, ConstBytes octets) override {
    packets.emplace_back(family, Bytes(octets.begin(), octets.end()));
  }
  void collect() {
    for (LinkAction& action : link.take_actions()) actions.push_back(std::move(action));
  }
  template <typename T>
  [[nodiscard]] std::vector<T> all() {
    collect();
    std::vector<T> out;
    for (const LinkAction& action : actions)
      if (const T* found = std::get_if<T>(&action)) out.push_back(*found);
    return out;
  }
  template <typename T>
  [[nodiscard]] std::optional<T> last() {
    const std::vector<T> found = all<T>();
    return found.empty() ? std::nullopt : std::optional<T>(found.back());
  }
  template <typename T>
  [[nodiscard]] std::size_t count() {
    return all<T>().size();
  }
  // Every remark and note in one text.
  [[nodiscard]] std::string said() {
    std::string text;
    for (const LinkNote& note : all<LinkNote>()) text += note.text + "\n";
    return text;
  }
  [[nodiscard]] std::optional<LinkEnd> end() {
    const auto down = last<LinkDown>();
    return down ? std::optional(down->end) : std::nullopt;
  }

 private:
  SeededRandom random_;

 public:
  AnyHost policy;
  Link link;
  std::vector<LinkAction> actions;
  std::vector<std::pair<Family, Bytes>> packets;
};

inline LinkOptions caller_options() {
  LinkOptions options;
  options.network->local_ipv4 = ip("193.6.35.12");
  options.network->remote_ipv4 = ip("193.6.37.12");
  return options;
}
inline LinkOptions called_options() {
  LinkOptions options;
  options.network->local_ipv4 = ip("193.6.37.12");
  options.network->remote_ipv4 = ip("193.6.35.12");
  return options;
}

// The wire delivers at once and in order. `pass` may drop a frame or change what goes over.
class Pair {
 public:
  explicit Pair(LinkOptions a_options = caller_options(), LinkOptions b_options = called_options())
      : a(std::move(a_options), 1), b(std::move(b_options), 2) {}

  // Which frames arrive: (from a?, running number of the frame over both directions).
  std::function<bool(bool, std::size_t)> pass = [](bool, std::size_t) { return true; };
  std::size_t piece = 1 << 20;  // how many octets arrive at once
  std::size_t frames = 0;

  void up() {
    a.link.carrier_up(now);
    b.link.carrier_up(now);
    exchange();
  }

  // Until both are quiet; false if that takes more than `rounds`.
  bool exchange(int rounds = 200) {
    for (int round = 0; round < rounds; ++round) {
      const bool from_a = carry(a, b, true);
      const bool from_b = carry(b, a, false);
      if (!from_a && !from_b) return true;
    }
    return false;
  }

  // Lets time pass, stopping at every deadline of either.
  void run(Duration length) {
    const Instant end = now + length;
    for (;;) {
      const std::optional<Instant> next = earliest();
      if (!next || *next > end) break;
      now = std::max(now, *next);
      a.link.advance(now);
      b.link.advance(now);
      exchange();
    }
    now = end;
  }

  void send(End& from, End& to, Family family, ConstBytes packet) {
    Bytes stream = from.link.take_octets();
    from.link.send_packet(now, family, packet, stream);
    to.link.receive(now, stream, to);
  }

  [[nodiscard]] bool is_all_up() {
    return a.count<Ipv4Up>() > a.count<Ipv4Down>() && b.count<Ipv4Up>() > b.count<Ipv4Down>() &&
           a.count<Ipv6Up>() > a.count<Ipv6Down>() && b.count<Ipv6Up>() > b.count<Ipv6Down>() &&
           a.count<VsncpUp>() > a.count<VsncpDown>() && b.count<VsncpUp>() > b.count<VsncpDown>();
  }

  End a;
  End b;
  Instant now{std::chrono::hours{1}};

 private:
  bool carry(End& from, End& to, bool from_a) {
    const Bytes stream = from.link.take_octets();
    if (stream.empty()) return false;
    Bytes arriving;
    for (const OwnedFrame& frame : frames_in(stream))
      if (pass(from_a, frames++)) encode_frame(frame.protocol, frame.information, {}, arriving);
    for (std::size_t at = 0; at < arriving.size(); at += piece)
      to.link.receive(now, ConstBytes(arriving).subspan(at, std::min(piece, arriving.size() - at)), to);
    return true;
  }

  std::optional<Instant> earliest() {
    const auto first = a.link.next_deadline();
    const auto second = b.link.next_deadline();
    if (!first || !second) return first ? first : second;
    return std::min(*first, *second);
  }
};

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
