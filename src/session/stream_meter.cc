#include "session/stream_meter.h"

#include <algorithm>

#include "net/packet.h"

namespace isthmus::session {

void StreamMeter::begin(Instant now, std::uint64_t queued) {
  stream_.emplace();
  stream_->window.sent(now, queued);
}

void StreamMeter::queued(Instant now, std::uint64_t octets) {
  if (stream_) stream_->window.sent(now, octets);
}

void StreamMeter::arrived(Instant now, std::uint64_t octets) {
  if (stream_) stream_->window.reported(now, octets);
}

void StreamMeter::hear(Instant now, const ReceiveReport& report, std::uint64_t position) {
  if (!stream_) return;
  // Found anew with each report: what noise on the stream adds or takes does not add up.
  if (position >= report.sent) stream_->octets_before = position - report.sent;
  arrived(now, report.received);
}

std::size_t StreamMeter::room() const {
  return stream_ ? stream_->window.room() : std::numeric_limits<std::size_t>::max();
}

std::size_t StreamMeter::largest_packet() const {
  return stream_ ? stream_->window.largest_packet() : kMaxPacket;
}

void StreamMeter::packet_received(Instant now, std::size_t octets) {
  if (stream_) stream_->reporter.packets_received(now, octets);
}

// The first one goes out at once: it tells the peer where in the stream it is.
bool StreamMeter::is_report_due(Instant now) const {
  return stream_ && (!stream_->has_reported || stream_->reporter.is_due(now));
}

ReceiveReport StreamMeter::report(std::uint64_t queued, std::uint64_t received) {
  stream_->has_reported = true;
  stream_->reporter.reported();
  const std::uint64_t before = std::min(stream_->octets_before.value_or(received), received);
  return {.sent = queued, .received = received - before};
}

std::optional<Instant> StreamMeter::next_deadline() const {
  return stream_ ? stream_->reporter.next_deadline() : std::nullopt;
}

}  // namespace isthmus::session
