// The messages of the packet path, which two Isthmuses exchange in VSNP beside those of message.h:
// super-packets, and reports of what has arrived. docs/protocol/vsnp.md has their format. Neither makes an
// allocation.
#pragma once

#include <array>
#include <optional>

#include "net/packet.h"

namespace isthmus::session {

inline constexpr std::size_t kSuperPacketHeader = 4;
inline constexpr std::size_t kReceiveReportSize = 20;

// What goes before a super-packet of this segment size.
std::array<std::uint8_t, kSuperPacketHeader> super_packet_header(std::uint16_t segment_size);
// The packet in a super-packet message; empty if `message` is of another kind. Nothing is known yet of what
// it holds: check_super_packet() tells.
std::optional<Packet> parse_super_packet(ConstBytes message);

// How far the octets of a stream have come, told by each end of both directions.
struct ReceiveReport {
  std::uint64_t sent = 0;      // the sender's octets before the frame of this report
  std::uint64_t received = 0;  // of the receiver's octets, those that have arrived
  friend bool operator==(const ReceiveReport&, const ReceiveReport&) = default;
};
std::array<std::uint8_t, kReceiveReportSize> encode(const ReceiveReport& report);
std::optional<ReceiveReport> parse_receive_report(ConstBytes message);

}  // namespace isthmus::session
