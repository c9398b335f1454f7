#include "session/stream_meter.h"

#include "net/packet.h"

namespace isthmus::session {

void StreamMeter::begin(std::uint64_t queued) {
  stream_.emplace();
  stream_->window.begin(queued);
}

void StreamMeter::queued(Instant now, std::uint64_t octets) {
  if (stream_) stream_->window.sent(now, octets);
}

void StreamMeter::arrived(Instant now, std::uint64_t octets) {
  if (!stream_) return;
  stream_->window.reported(now, octets);
  if (const auto rtt = stream_->window.min_rtt()) stream_->reporter.set_min_rtt(*rtt);
}

void StreamMeter::hear(Instant now, const ReceiveReport& report, std::uint64_t position) {
  const bool is_first = !octets_before_;
  // Found anew with each report: what noise on the stream adds or takes does not add up. Of numbers that make
  // no sense the peer's own window suffers alone.
  octets_before_ = position - report.sent;
  if (!stream_) return;
  if (is_first) stream_->has_reported = false;  // what we said by now was of nothing
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

ReceiveReport StreamMeter::report(Instant now, std::uint64_t queued, std::uint64_t received) {
  stream_->has_reported = true;
  stream_->reporter.reported(now);
  return {.sent = queued, .received = octets_before_ ? received - *octets_before_ : 0};
}

std::optional<Instant> StreamMeter::next_deadline() const {
  return stream_ ? stream_->reporter.next_deadline() : std::nullopt;
}

}  // namespace isthmus::session
