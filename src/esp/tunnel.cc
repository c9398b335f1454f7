#include "esp/tunnel.h"

#include <utility>

#include "base/check.h"
#include "base/guard.h"
#include "esp/udp_encap.h"
#include "net/ecn.h"
#include "net/packet_view.h"

namespace isthmus::esp {

// Only Tunnel sees both a packet and its SA, so the drops of both ways are counted here, in two places.
Verdict<Sealed> Tunnel::seal(MutableBytes room, MutableBytes out) {
  const auto sealed = seal_packet_in(room, out);
  if (!sealed) {
    counters_.count(sealed.error());
    return sealed;
  }
  ++counters_.packets_sent;
  counters_.octets_sent += room.size() - kTrailerRoom;
  return sealed;
}

Verdict<Sealed> Tunnel::seal_packet_in(MutableBytes room, MutableBytes out) {
  CHECK(room.size() >= kTrailerRoom);
  const ConstBytes packet = room.first(room.size() - kTrailerRoom);
  const int version = packet.empty() ? 0 : packet[0] >> 4;
  if (version != 4 && version != 6) return std::unexpected(Drop::kNotIp);
  if (in_use_ == nullptr || !remote_) return std::unexpected(Drop::kNoOutbound);

  // Read first: in place, sealing destroys it.
  const std::uint8_t traffic_class = outer_traffic_class(options_.dscp, traffic_class_of(packet));
  const auto size = seal_by(*in_use_, room, version == 4 ? kNextIpv4 : kNextIpv6, out);
  if (!size) return std::unexpected(size.error());
  return Sealed{*size, traffic_class};
}

Verdict<std::size_t> Tunnel::seal_by(LiveOutbound& live, MutableBytes room, std::uint8_t next_header,
                                     MutableBytes out) {
  const auto size = live.sa.seal(room, next_header, out);
  const bool is_used_up = !size && size.error() == Drop::kHardLimit;
  if (is_used_up && !live.is_hard_limit_told)
    live.is_hard_limit_told = events_.push(LimitReached{live.generation, true});
  if (live.sa.is_soft_limit_reached() && !live.is_soft_limit_told)
    live.is_soft_limit_told = events_.push(LimitReached{live.generation, false});
  return size;
}

Verdict<MutableBytes> Tunnel::open(const Arrival& arrival, MutableBytes out) {
  const auto packet = open_datagram(arrival, out);
  if (!packet) {
    counters_.count(packet.error());
    return packet;
  }
  ++counters_.packets_received;
  counters_.octets_received += packet->size();
  return packet;
}

Verdict<MutableBytes> Tunnel::open_datagram(const Arrival& arrival, MutableBytes out) {
  switch (classify(arrival.datagram)) {
    case UdpPayload::kKeepalive:
      return std::unexpected(Drop::kKeepalive);
    case UdpPayload::kNonEsp:
      return std::unexpected(Drop::kNonEsp);
    case UdpPayload::kTooShort:
      return std::unexpected(Drop::kBadLength);
    case UdpPayload::kEsp:
      break;
  }
  const auto head = parse_head(arrival.datagram);
  if (!head) return std::unexpected(head.error());
  LiveInbound* const live = inbound_.find(head->spi);
  if (!guard<Guard::kSpi>(live != nullptr)) return std::unexpected(Drop::kUnknownSpi);
  return open_by(*live, *head, arrival, out);
}

Verdict<MutableBytes> Tunnel::open_by(LiveInbound& live, const PacketHead& head, const Arrival& arrival,
                                      MutableBytes out) {
  const auto opened = live.sa.open(head, arrival.datagram, out);
  if (!opened) return std::unexpected(opened.error());
  note_use(live);
  const auto& payload = opened->payload;
  if (!payload) return std::unexpected(payload.error());

  const bool is_dummy = payload->next_header == kNextDummy;
  if (opened->is_newest)
    note_source(live, arrival, is_dummy ? RemoteMoved::By::kDummy : RemoteMoved::By::kPacket);
  if (is_dummy) return std::unexpected(take_dummy(live, payload->text, arrival));
  return accept(*payload, arrival);
}

Verdict<MutableBytes> Tunnel::accept(const OpenedPayload& payload, const Arrival& arrival) {
  const bool is_ip = payload.next_header == kNextIpv4 || payload.next_header == kNextIpv6;
  if (!guard<Guard::kNextHeader>(is_ip)) return std::unexpected(Drop::kNextHeader);
  const auto view = view_packet(payload.text);
  const Family stated = payload.next_header == kNextIpv4 ? Family::kIpv4 : Family::kIpv6;
  if (!guard<Guard::kInnerPacket>(view && view->family == stated))
    return std::unexpected(Drop::kNoWholePacket);
  if (!selector_.permits_inbound(*view)) return std::unexpected(Drop::kSelector);

  // What follows the packet is padding for traffic flow confidentiality (RFC 4303 section 2.7).
  const MutableBytes packet = payload.text.first(view->length);
  const Ecn inner = ecn_of(traffic_class_of(packet));
  const Decapsulation ecn = decapsulate_ecn(inner, ecn_of(arrival.traffic_class));
  if (ecn.is_unexpected) ++counters_.unexpected_ecn;
  if (!ecn.ecn) return std::unexpected(Drop::kCongested);
  if (*ecn.ecn != inner) set_ecn(packet, *ecn.ecn);
  // Behind the tunnel, as by the next router: no pair of headers that anybody has to answer for.
  if (arrival.is_marked_here && !mark_congestion(packet)) return std::unexpected(Drop::kCongested);
  return packet;
}

Drop Tunnel::take_dummy(const LiveInbound& live, ConstBytes text, const Arrival& arrival) {
  const auto probe = parse_probe(text);
  if (!probe) return Drop::kDummy;
  const std::size_t size = outer_size(arrival.datagram.size(), arrival.from.address.family());
  if (probe->kind == Probe::Kind::kEcho) {
    if (!events_.push(EchoArrived{live.generation, probe->token, size, arrival.from}))
      ++counters_.events_lost;
    return Drop::kProbe;
  }

  // The address has not answered anything yet, perhaps; but it gets no more octets than came from it.
  if (!events_.push(ProbeArrived{live.generation, arrival.from, size})) ++counters_.events_lost;
  const bool is_taken = waiting_.push({.probe = Probe{Probe::Kind::kEcho, probe->token},
                                       .generation = live.generation,
                                       .size = text.size(),
                                       .to = arrival.from,
                                       .from = arrival.to});
  if (!is_taken) ++counters_.dummies_refused;
  return Drop::kProbe;
}

void Tunnel::note_source(const LiveInbound& live, const Arrival& arrival, RemoteMoved::By by) {
  if (!remote_ || *remote_ == arrival.from) return;
  moves_told_.tell(arrival.at, arrival.from, by, [&] {
    return events_.push(RemoteMoved{arrival.from, live.generation, live.sa.spi(), by});
  });
}

void Tunnel::note_use(LiveInbound& live) {
  if (live.is_soft_limit_told) return;
  const bool is_reached = live.sa.highest().value() >= inbound_limits_.soft_packets ||
                          live.sa.blocks() >= inbound_limits_.soft_blocks;
  if (is_reached) live.is_soft_limit_told = events_.push(LimitReached{live.generation, false});
}

std::optional<Outgoing> Tunnel::next_datagram(MutableBytes out) {
  while (const auto waiting = waiting_.take()) {
    const auto made = make_datagram(*waiting, out);
    if (made) return made;
    ++counters_.dummies_refused;
  }
  return std::nullopt;
}

std::optional<Outgoing> Tunnel::make_datagram(const Waiting& waiting, MutableBytes out) {
  LiveOutbound* const live = find_outbound(waiting.generation);
  if (live == nullptr || out.size() < sealed_size(waiting.size)) return std::nullopt;
  write_probe(waiting.probe, out.subspan(kHeaderSize, waiting.size));
  const auto size = seal_by(*live, out.subspan(kHeaderSize, waiting.size + kTrailerRoom), kNextDummy, out);
  if (!size) return std::nullopt;
  ++counters_.dummies_sent;
  return Outgoing{*size, waiting.to, waiting.from};
}

Tunnel::LiveOutbound* Tunnel::find_outbound(Generation generation) {
  for (const auto& live : outbound_) {
    if (live->generation == generation) return live.get();
  }
  return nullptr;
}

}  // namespace isthmus::esp
