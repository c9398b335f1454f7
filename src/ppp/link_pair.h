// For tests: two Links joined by a wire in virtual time.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "ppp/link_end.h"

namespace isthmus::ppp::test {

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
    from.link.send_packet(now, family, packet);
    const Bytes stream = from.link.take_octets();
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

}  // namespace isthmus::ppp::test
