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

class StreamMeter {
 public:
  // Both ends report from now on. `queued`: octets of ours that the stream was given by now.
  void begin(Instant now, std::uint64_t queued);
  void stop() { stream_.reset(); }

  // Our octets.
  void queued(Instant now, std::uint64_t octets);
  // The peer has so many of them.
  void arrived(Instant now, std::uint64_t octets);
  // `position`: octets of the stream before the frame that held the report, as we counted them.
  void hear(Instant now, const ReceiveReport& report, std::uint64_t position);
  [[nodiscard]] std::size_t room() const;
  [[nodiscard]] std::size_t largest_packet() const;
  // For status; empty while nothing is measured.
  [[nodiscard]] const StreamWindow* window() const { return stream_ ? &stream_->window : nullptr; }

  // The peer's octets.
  void packet_received(Instant now, std::size_t octets);
  [[nodiscard]] bool is_report_due(Instant now) const;
  // To be sent now. `queued`: our octets before its frame. `received`: the peer's, as we counted them.
  ReceiveReport report(std::uint64_t queued, std::uint64_t received);

  // When a report becomes due if nothing more comes.
  [[nodiscard]] std::optional<Instant> next_deadline() const;

 private:
  struct Stream {
    StreamWindow window;
    ReceiveReporter reporter;
    bool has_reported = false;
    // What we counted before the peer's first octet: text of the login. Known once it has said where it is.
    std::optional<std::uint64_t> octets_before;
  };
  std::optional<Stream> stream_;
};

}  // namespace isthmus::session
