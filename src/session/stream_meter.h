// What the two ends of one stream know of each other's octets: how many of ours the peer has, and what we
// tell it of its own. Pure.
#pragma once

#include <limits>
#include <optional>

#include "base/time.h"
#include "session/receive_reporter.h"
#include "session/stream_message.h"
#include "session/stream_window.h"

namespace isthmus::session {

// What is known of a stream while it is measured.
struct MeteredStream {
  StreamWindow window;
  ReceiveReporter reporter;
  bool has_reported = false;
};

class StreamMeter {
 public:
  // Measures from now on. `queued`: octets of ours that the stream was given by now.
  void begin(std::uint64_t queued);
  void stop() { stream_.reset(); }

  // Our octets.
  void queued(Instant now, std::uint64_t octets);
  // The peer has so many of them.
  void arrived(Instant now, std::uint64_t octets);
  // `position`: octets of the stream before the frame that held the report, as we counted them.
  void hear(Instant now, const ReceiveReport& report, std::uint64_t position);
  [[nodiscard]] std::size_t room() const;
  // As StreamWindow's; always open while nothing is measured.
  [[nodiscard]] bool is_open(Instant now) const { return !stream_ || stream_->window.is_open(now); }
  [[nodiscard]] std::optional<Instant> opens_at(Instant now) const {
    return stream_ ? stream_->window.opens_at(now) : std::nullopt;
  }
  void left_open() {
    if (stream_) stream_->window.left_open();
  }
  [[nodiscard]] std::size_t largest_packet() const;
  // For status; empty while nothing is measured.
  [[nodiscard]] const StreamWindow* window() const { return stream_ ? &stream_->window : nullptr; }

  // The peer's octets.
  void packet_received(Instant now, std::size_t octets);
  [[nodiscard]] bool is_report_due(Instant now) const;
  // To be sent now. `queued`: our octets before its frame. `received`: the peer's, as we counted them.
  ReceiveReport report(Instant now, std::uint64_t queued, std::uint64_t received);

  // When a report becomes due if nothing more comes.
  [[nodiscard]] std::optional<Instant> next_deadline() const;

 private:
  std::optional<MeteredStream> stream_;
  // What we counted before the peer's first octet: text of the login. Known once it has said where it is,
  // which it may do before we know that it reports. Below 0, modulo 2^64, where octets of its were lost.
  std::optional<std::uint64_t> octets_before_;
};

}  // namespace isthmus::session
