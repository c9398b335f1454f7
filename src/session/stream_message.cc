#include "session/stream_message.h"

#include <utility>

#include "base/byte_reader.h"
#include "base/guard.h"
#include "net/big_endian.h"
#include "session/message_format.h"

namespace isthmus::session {
namespace {

using namespace format;  // NOLINT(google-build-using-namespace): the numbers of our own format

bool is_of(Type type, ConstBytes message, std::size_t least) {
  return message.size() >= least && message[0] == kVersion && message[1] == std::to_underlying(type);
}

}  // namespace

std::array<std::uint8_t, kSuperPacketHeader> super_packet_header(std::uint16_t segment_size) {
  return {kVersion, std::to_underlying(Type::kSuperPacket), static_cast<std::uint8_t>(segment_size >> 8),
          static_cast<std::uint8_t>(segment_size)};
}

std::optional<Packet> parse_super_packet(ConstBytes message) {
  if (!is_of(Type::kSuperPacket, message, kSuperPacketHeader + 1)) return std::nullopt;
  const std::uint16_t segment_size = load_u16(message, 2);
  // It would pass for an ordinary packet, of any length.
  if (!guard<Guard::kSegmentSize>(segment_size != 0)) return std::nullopt;
  return Packet{message.subspan(kSuperPacketHeader), segment_size};
}

std::array<std::uint8_t, kReceiveReportSize> encode(const ReceiveReport& report) {
  std::array<std::uint8_t, kReceiveReportSize> octets{kVersion, std::to_underlying(Type::kReceiveReport), 0,
                                                      kReceiveReportSize};
  store_u64(octets, 4, report.sent);
  store_u64(octets, 12, report.received);
  return octets;
}

std::optional<ReceiveReport> parse_receive_report(ConstBytes message) {
  if (!is_of(Type::kReceiveReport, message, kReceiveReportSize)) return std::nullopt;
  ByteReader in{message.subspan(2)};
  // A longer one may come to hold more; what is here stays where it is.
  if (in.u16() < kReceiveReportSize) return std::nullopt;
  ReceiveReport report;
  report.sent = in.u64();
  report.received = in.u64();
  return report;
}

}  // namespace isthmus::session
