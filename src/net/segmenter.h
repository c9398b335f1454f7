// Cuts a super-packet into ordinary packets, or into smaller super-packets, as the sender's own machine would
// have: TCP's sequence numbers go on, FIN and PSH stay with the last one and CWR with the first, IPv4's
// identification counts up, lengths and checksums are each packet's own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "base/bytes.h"
#include "net/transport_view.h"

namespace isthmus {

// All headers of a super-packet; each of its packets has them.
inline constexpr std::size_t kMaxSuperHeader = 256;
// So that one message of a peer cannot become tens of thousands of packets. TCP's is Linux's own least; of
// UDP, where a segment may be as small as its sender likes, Linux sends at most 128 at once.
inline constexpr std::uint16_t kMinTcpSegment = 8;
inline constexpr std::size_t kMaxUdpSegments = 1024;

// What a super-packet of a peer or of the kernel must be to be believed: whole, TCP or UDP, no fragment, at
// least two segments and at most what is said above, and of TCP's control bits ACK, with at most PSH, FIN,
// ECE and CWR. Empty otherwise.
std::optional<TransportView> check_super_packet(ConstBytes octets, std::uint16_t segment_size);

class Segmenter {
 public:
  // Of a piece the header and the payload follow each other on the wire. With `segment_size` 0 it is an
  // ordinary packet with all its checksums, else a super-packet.
  struct Piece {
    ConstBytes header;   // the segmenter's own, until the next piece is asked for
    ConstBytes payload;  // lies in the super-packet
    std::uint16_t segment_size = 0;
  };

  // Pieces of as many segments as fit into `most` octets, but at least one. `super` must live as long as the
  // segmenter. Empty if it is no super-packet.
  static std::optional<Segmenter> begin(ConstBytes super, std::uint16_t segment_size, std::size_t most);

  // The pieces in their order, then empty.
  std::optional<Piece> next();

 private:
  Segmenter(ConstBytes super, const TransportView& view, std::uint16_t segment_size);
  void write_ip(std::size_t payload);
  void write_tcp(std::size_t payload);
  void complete_checksum(ConstBytes payload);

  ConstBytes super_;
  TransportView view_;
  std::uint16_t segment_size_;
  std::size_t per_piece_ = 0;  // octets of payload
  std::size_t done_ = 0;       // of it
  // Of the first segment.
  std::uint16_t identification_ = 0;
  std::uint32_t sequence_ = 0;
  std::uint8_t flags_ = 0;
  std::array<std::uint8_t, kMaxSuperHeader> header_{};
};

// Cuts in place: the header of a piece is written over the end of the one before, which is used up. Calls
// `sink(MutableBytes piece, std::uint16_t segment_size)` for each piece in order; a piece is valid during its
// call. False if `super` is no super-packet: nothing was called then.
template <typename Sink>
bool cut(MutableBytes super, std::uint16_t segment_size, std::size_t most, Sink&& sink) {
  std::optional<Segmenter> segmenter = Segmenter::begin(super, segment_size, most);
  if (!segmenter) return false;
  while (const std::optional<Segmenter::Piece> piece = segmenter->next()) {
    const auto payload_at = static_cast<std::size_t>(piece->payload.data() - super.data());
    const std::size_t header = piece->header.size();
    const MutableBytes octets = super.subspan(payload_at - header, header + piece->payload.size());
    std::memcpy(octets.data(), piece->header.data(), header);
    sink(octets, piece->segment_size);
  }
  return true;
}

}  // namespace isthmus
