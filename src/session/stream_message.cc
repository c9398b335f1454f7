#include "session/stream_message.h"

#include <utility>

#include "base/byte_reader.h"
#include "session/message_format.h"

namespace isthmus::session {
namespace {

using namespace format;  // NOLINT(google-build-using-namespace): the numbers of our own format

constexpr std::size_t kReportSize = 20;

bool is_of(Type type, ConstBytes message, std::size_t least) {
  return message.size() >= least && message[0] == kVersion && message[1] == std::to_underlying(type);
}

void put_u64(std::uint64_t value, MutableBytes out) {
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
}

std::uint64_t u64(ByteReader& in) {
  const std::uint64_t high = in.u32();
  return high << 32 | in.u32();
}

}  // namespace

std::array<std::uint8_t, 4> super_packet_header(std::uint16_t segment_size) {
  return {kVersion, std::to_underlying(Type::kSuperPacket), static_cast<std::uint8_t>(segment_size >> 8),
          static_cast<std::uint8_t>(segment_size)};
}

std::optional<Packet> parse_super_packet(ConstBytes message) {
  if (!is_of(Type::kSuperPacket, message, kHeaderSize + 1)) return std::nullopt;
  const auto segment_size = static_cast<std::uint16_t>(message[2] << 8 | message[3]);
  if (segment_size == 0) return std::nullopt;  // it would pass for an ordinary packet, of any length
  return Packet{message.subspan(kHeaderSize), segment_size};
}

std::array<std::uint8_t, 20> encode(const ReceiveReport& report) {
  std::array<std::uint8_t, kReportSize> octets{kVersion, std::to_underlying(Type::kReceiveReport), 0,
                                               kReportSize};
  put_u64(report.sent, MutableBytes{octets}.subspan(4, 8));
  put_u64(report.received, MutableBytes{octets}.subspan(12, 8));
  return octets;
}

std::optional<ReceiveReport> parse_receive_report(ConstBytes message) {
  if (!is_of(Type::kReceiveReport, message, kReportSize)) return std::nullopt;
  ByteReader in{message.subspan(2)};
  // A longer one may come to hold more; what is here stays where it is.
  if (in.u16() < kReportSize) return std::nullopt;
  ReceiveReport report;
  report.sent = u64(in);
  report.received = u64(in);
  return report;
}

}  // namespace isthmus::session
