// How much may be under way on a stream, so that what is sent now does not wait behind what was sent before.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace isthmus::session {

// The sending end of one direction of one stream. The stream takes all one writes, into buffers without
// visible end; the peer reports what came out. The window keeps what is in between under delivery rate x
// (minimum RTT + headroom). docs/design/queueing.md has the rules and the reasons of the constants.
//
// Positions count octets since the stream began. A stream on which nothing is reported stays closed once the
// window is full. Never allocates.
class StreamWindow {
 public:
  static constexpr std::uint64_t kInitial = 64 * 1024;
  static constexpr std::uint64_t kFloor = 2 * 1500;
  static constexpr std::uint64_t kCeiling = 64 * 1024 * 1024;

  // The queue that is left standing in the stream: enough that it never runs dry between two reports, little
  // enough beside the round trip itself; the bound of 15 ms less the error of the rate.
  static constexpr Duration headroom(Duration min_rtt) {
    return std::clamp<Duration>(min_rtt / 4, std::chrono::microseconds{900}, std::chrono::milliseconds{10});
  }

  // Counts from `position` on: what was put on the stream before has arrived, or does not matter.
  void begin(std::uint64_t position) {
    sent_ = received_ = position;
    round_.begin = round_.end = position;
  }
  // `position` octets have been put on the stream in all.
  void sent(Instant now, std::uint64_t position);

  // The peer says that it has `received` octets. What is not news is ignored; what was never sent is not
  // believed.
  void reported(Instant now, std::uint64_t received);

  // How many octets the window still takes. Whoever sends while this is not 0 exceeds the limit by one packet
  // at most.
  [[nodiscard]] std::uint64_t room() const;
  // Whether a packet may be put on the stream now: there is room, and what went before it is not too near.
  [[nodiscard]] bool is_open(Instant now) const;
  // When it opens by itself: empty if it is open, or if only a report can open it.
  [[nodiscard]] std::optional<Instant> opens_at(Instant now) const;
  // It was open and nothing was sent: there was none, or the carrier took no more.
  void left_open();

  // The longest packet that does not keep others waiting: about 1 ms at the delivery rate, 1500 to 65,535.
  [[nodiscard]] std::uint64_t largest_packet() const;

  [[nodiscard]] std::uint64_t undelivered() const { return sent_ - received_; }
  [[nodiscard]] std::uint64_t limit() const { return probe_ ? probe_limit() : limit_; }
  // Octets a second; 0 until one was measured.
  [[nodiscard]] double rate() const;
  // Without the queue of our own making; empty until one was measured.
  [[nodiscard]] std::optional<Duration> min_rtt() const;

 private:
  static constexpr std::size_t kMaxBursts = 1024;
  static constexpr std::size_t kRounds = 10;

  // Octets that were sent at about the same time, and what was known then.
  struct Burst {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    Instant sent_at{};
    std::uint64_t received = 0;  // by the peer, as far as was known
    Instant received_at{};       // when that was reported
    Instant first_sent_at{};     // when the newest burst of those `received` had been sent
  };

  // A round trip: it ends when all that was under way at its beginning is reported.
  struct Round {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    double best_rate = 0;
    std::optional<Duration> lowest_rtt{};
    Duration highest_rtt{};
    std::uint64_t most_undelivered = 0;
    bool is_full = true;  // the window was what held the sender back, all the time
  };

  // A queue that does not go away, as seen by bursts that were sent since `from`.
  struct Standing {
    Instant from{};
    std::optional<Duration> rtt_before{};  // the round trip before the window was cut for it
    std::optional<Instant> since{};
    std::uint64_t received = 0;  // by then
    Duration lowest_rtt{};
  };

  // Lowers the window until the stream's own queue is empty, to see the round trip without it.
  struct Probe {
    std::optional<Instant> drained_at;
    std::optional<Duration> lowest_rtt{};
  };

  [[nodiscard]] bool is_same_burst(Instant now) const;
  std::optional<Burst> take_delivered();
  void learn_rtt(Instant now, Duration rtt);
  void learn_rate(Instant now, const Burst& burst);
  void watch_standing(Instant now, const Burst& burst, Duration rtt);
  void end_round();
  void judge_start_up(const Round& round);
  void judge_need_of_start_up(const Round& round);
  void leave_start_up();
  void keep_probing(Instant now, const Burst& burst, Duration rtt);
  void set_limit();
  [[nodiscard]] std::uint64_t window_of(Duration time) const;
  [[nodiscard]] std::uint64_t probe_limit() const;
  [[nodiscard]] Duration piece() const;
  [[nodiscard]] Duration time_at_pace(std::uint64_t octets) const;
  [[nodiscard]] const Burst& newest() const {
    return bursts_[(first_burst_ + burst_count_ - 1) % kMaxBursts];
  }

  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  Instant received_at_{};
  Instant first_sent_at_{};
  std::uint64_t limit_ = kInitial;
  Instant paced_until_{};  // when what was sent will have gone at the pace

  std::array<Burst, kMaxBursts> bursts_{};  // a ring
  std::size_t first_burst_ = 0;
  std::size_t burst_count_ = 0;

  Round round_;
  std::array<double, kRounds> rates_{};  // a ring: the best of each of the last rounds that say something
  std::size_t next_rate_ = 0;

  bool is_starting_up_ = true;
  double start_up_rate_ = 0;
  int rounds_without_growth_ = 0;
  int rounds_without_queue_ = 0;

  std::optional<Duration> min_rtt_;         // since the last probe
  std::optional<Duration> min_rtt_before_;  // between the two before, for a while
  Instant min_rtt_at_{};
  Instant probed_at_{};
  std::optional<Probe> probe_;
  Standing standing_;
};

}  // namespace isthmus::session
