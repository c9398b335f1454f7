// A tunnel through a slow stream under virtual time: flows and a ping -> FqCodel -> StreamWindow -> a
// reliable byte stream with a bottleneck and a buffer without end -> ReceiveReporter -> reports back.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>
#include <optional>
#include <queue>
#include <random>
#include <tuple>
#include <utility>
#include <vector>

#include "session/fq_codel.h"
#include "session/queue_packets.h"
#include "session/receive_reporter.h"
#include "session/stream_window.h"

namespace isthmus::session {

inline constexpr double operator""_mbit(unsigned long long value) {
  return static_cast<double>(value) * 125000;
}

enum class Ends : std::uint8_t { kDropOnly, kEcn };

// What a lost segment of the stream does for a round trip: holds up what comes behind it, or the sender too.
enum class Stall : std::uint8_t { kDelivery, kSending };

struct BottleneckOptions {
  std::uint64_t seed = 1;
  double rate = 20_mbit;  // octets a second
  Duration rtt = std::chrono::milliseconds{40};
  double loss = 0;  // of segments of 1448 octets
  Stall stall = Stall::kDelivery;
  Duration noise{};  // the most that a busy machine delays a report
  // Where the TCP below paces, as BBR does: how fast it begins. Later 2.89 times the best delivery rate that
  // it has seen, which is that of what it was given.
  std::optional<double> first_pace{};
  bool has_window = true;
};

// A TCP as far as a queue sees one: a congestion window in octets that grows by what is acknowledged and is
// halved, once a window, by a mark or a loss.
struct GreedyFlow {
  Ends ends = Ends::kDropOnly;
  std::size_t largest = 1500;  // more: it sends super-packets as large as the window lets it
  Duration extra_rtt{};        // beyond the tunnel
  bool reacts = true;          // or keeps its window whatever happens

  double window = 10 * 1448;
  double threshold = 1e12;
  std::uint64_t in_flight = 0;
  std::uint32_t next_number = 0;
  std::uint32_t expected = 0;
  std::deque<std::uint32_t> sizes{};  // of what is in flight
  std::uint32_t cut_until = 0;
  Instant heard_at{};
  std::uint64_t delivered = 0;
  std::uint64_t marks = 0;
  std::uint64_t losses = 0;
};

class Bottleneck {
 public:
  explicit Bottleneck(const BottleneckOptions& options) : options_(options), random_(options.seed) {
    at(now_, Kind::kPing, 0);
    at(now_, Kind::kTick, 0);
    run(4 * options.rtt);  // a greeting crosses before there is any load
  }

  void add(const GreedyFlow& flow) { flows_.push_back(flow); }
  void set_rate(double rate) { options_.rate = rate; }

  void run(Duration time) {
    const Instant end = now_ + time;
    pump();
    while (!events_.empty() && events_.top().time <= end) {
      const Event event = events_.top();
      events_.pop();
      now_ = event.time;
      happen(event);
    }
    now_ = end;
  }

  // Starts the measurements anew, for what comes after the start-up.
  void forget() {
    for (GreedyFlow& flow : flows_) flow.delivered = flow.marks = flow.losses = 0;
    ping_rtts_.clear();
    most_undelivered_ = largest_sent_ = delivered_ = 0;
  }

  [[nodiscard]] const std::vector<GreedyFlow>& flows() const { return flows_; }
  [[nodiscard]] const StreamWindow& window() const { return window_; }
  [[nodiscard]] const FqCodel& queue() const { return queue_; }
  [[nodiscard]] std::uint64_t most_undelivered() const { return most_undelivered_; }
  [[nodiscard]] std::uint64_t largest_sent() const { return largest_sent_; }
  [[nodiscard]] std::uint64_t delivered() const { return delivered_; }
  [[nodiscard]] Instant now() const { return now_; }

  // The q-quantile of the round trips of the ping.
  [[nodiscard]] Duration ping(double q) {
    if (ping_rtts_.empty()) return Duration::max();
    std::ranges::sort(ping_rtts_);
    return ping_rtts_[static_cast<std::size_t>(q * static_cast<double>(ping_rtts_.size() - 1))];
  }

  // Jain's index of what the flows got: 1 if all got the same.
  [[nodiscard]] double fairness() const {
    double sum = 0;
    double squares = 0;
    for (const GreedyFlow& flow : flows_) {
      const auto share = static_cast<double>(flow.delivered);
      sum += share;
      squares += share * share;
    }
    return sum * sum / (static_cast<double>(flows_.size()) * squares);
  }

 private:
  static constexpr unsigned kPingFlow = 60000;
  static constexpr std::size_t kNumberAt = 24;  // where a packet carries its number
  static constexpr std::uint64_t kFraming = 8;
  static constexpr std::uint64_t kSshPacket = 32 * 1024;
  static constexpr double kStartUpGain = 2.89;

  enum class Kind : std::uint8_t {
    kPing,
    kTick,
    kOpen,
    kArrival,
    kReportDue,
    kReport,
    kAcknowledged,
    kOuterAck
  };

  struct Event {
    Instant time;
    std::uint64_t order;
    Kind kind;
    std::uint64_t value;
    std::uint32_t flow;
    std::uint32_t number;
    std::uint32_t size;
    bool is_marked;
    bool operator<(const Event& other) const {
      return std::tie(other.time, other.order) < std::tie(time, order);
    }
  };

  void at(Instant time, Kind kind, std::uint64_t value) {
    events_.push({time, order_++, kind, value, 0, 0, 0, false});
  }

  static double in_seconds(Duration time) { return std::chrono::duration<double>(time).count(); }
  static Duration of_seconds(double time) { return Duration{static_cast<Duration::rep>(time * 1e9)}; }

  void happen(const Event& event) {
    switch (event.kind) {
      case Kind::kPing:
        send_ping();
        break;
      case Kind::kTick:
        tick();
        break;
      case Kind::kOpen:
        break;
      case Kind::kArrival:
        arrive(event);
        break;
      case Kind::kReportDue:
        report();
        break;
      case Kind::kReport:
        window_.reported(now_, event.value);
        break;
      case Kind::kAcknowledged:
        acknowledge(event);
        break;
      case Kind::kOuterAck:
        learn_pace(event.value);
        break;
    }
    pump();
  }

  void send_ping() {
    TestPacket fields{.flow = kPingFlow, .size = 84};
    Bytes packet = ipv4_packet(fields);
    const std::int64_t sent = now_.time_since_epoch().count();
    std::memcpy(packet.data() + 32, &sent, sizeof sent);
    queue_.enqueue(now_, {packet, 0});
    at(now_ + std::chrono::milliseconds{20} + Duration{static_cast<Duration::rep>(random_() % 5'000'000)},
       Kind::kPing, 0);
  }

  // Flows whose last packets were all dropped begin anew, as after a retransmission timeout.
  void tick() {
    for (GreedyFlow& flow : flows_) {
      if (flow.in_flight == 0 || now_ - flow.heard_at < std::chrono::seconds{1}) continue;
      flow.expected = flow.next_number;
      flow.sizes.clear();
      flow.in_flight = 0;
      ++flow.losses;
      if (!flow.reacts) continue;
      flow.threshold = std::max(flow.window / 2, 2.0 * 1448);
      flow.window = 2 * 1448;
    }
    at(now_ + std::chrono::milliseconds{100}, Kind::kTick, 0);
  }

  void pump() {
    for (std::uint32_t i = 0; i < flows_.size(); ++i) fill(i);
    while (is_open()) {
      const std::optional<Packet> packet = queue_.dequeue(now_);
      if (!packet) {
        window_.left_open();
        break;
      }
      put_on_stream(*packet);
      for (std::uint32_t i = 0; i < flows_.size(); ++i) fill(i);
    }
    send_piece();
    if (queue_.packets() > 0) wait_for_opening();
  }

  // Without a window: the stream alone, which is never left without something to send.
  [[nodiscard]] bool is_open() const {
    return options_.has_window ? window_.is_open(now_) : free_at_ < now_ + std::chrono::seconds{1};
  }

  void wait_for_opening() {
    const std::optional<Instant> opening = window_.opens_at(now_);
    if (!options_.has_window || !opening || (opens_at_ > now_ && opens_at_ <= *opening)) return;
    opens_at_ = *opening;
    at(opens_at_, Kind::kOpen, 0);
  }

  void fill(std::uint32_t index) {
    GreedyFlow& flow = flows_[index];
    const std::size_t mine = std::min<std::size_t>(flow.largest, window_.largest_packet());
    while (flow.in_flight == 0 || static_cast<double>(flow.in_flight + mine) <= flow.window) {
      if (flow.in_flight == 0) flow.heard_at = now_;
      scratch_ = ipv4_packet({.flow = index + 1, .size = mine, .ecn = flow.ends == Ends::kEcn ? 2U : 0U});
      std::memcpy(scratch_.data() + kNumberAt, &flow.next_number, sizeof flow.next_number);
      queue_.enqueue(now_, {scratch_, static_cast<std::uint16_t>(mine > 1500 ? 1448 : 0)});
      ++flow.next_number;
      flow.in_flight += mine;
      flow.sizes.push_back(static_cast<std::uint32_t>(mine));
    }
  }

  void put_on_stream(const Packet& packet) {
    const std::size_t size = packet.octets.size();
    position_ += size + kFraming;
    window_.sent(now_, position_);
    most_undelivered_ = std::max(most_undelivered_, window_.undelivered());
    largest_sent_ = std::max<std::uint64_t>(largest_sent_, size + kFraming);

    Event event{{}, 0, Kind::kArrival, position_, 0, 0, static_cast<std::uint32_t>(size), false};
    event.flow = packet.octets[20] * 256U + packet.octets[21];
    event.is_marked = (packet.octets[1] & 3U) == 3;
    if (event.flow == kPingFlow) {
      std::int64_t sent = 0;
      std::memcpy(&sent, packet.octets.data() + 32, sizeof sent);
      pings_.push_back(Instant{Duration{sent}});
    } else {
      std::memcpy(&event.number, packet.octets.data() + kNumberAt, sizeof event.number);
    }
    piece_.push_back(event);
    piece_octets_ += size + kFraming;
    if (piece_octets_ >= kSshPacket) send_piece();
  }

  // ssh makes one packet of what it is given at once; nothing of it arrives before all of it has.
  void send_piece() {
    if (piece_.empty()) return;
    const auto octets = static_cast<double>(std::exchange(piece_octets_, 0));
    if (pace_) paced_until_ = std::max(paced_until_, now_) + of_seconds(octets / *pace_);
    free_at_ = std::max(std::max(free_at_, now_) + of_seconds(octets / options_.rate), paced_until_);
    Instant arrival = free_at_ + options_.rtt / 2;
    const double kept = std::pow(1 - options_.loss, octets / 1448);
    if (options_.loss > 0 && std::uniform_real_distribution<>{0, 1}(random_) > kept) {
      arrival += options_.rtt;
      if (options_.stall == Stall::kSending) free_at_ += options_.rtt;
    }
    arrived_at_ = std::max(arrived_at_, arrival);
    for (Event& event : piece_) {
      event.time = arrived_at_;
      event.order = order_++;
      events_.push(event);
    }
    piece_.clear();
    if (!pace_) return;
    outer_.push_back({now_, acknowledged_});
    at(arrived_at_ + options_.rtt / 2, Kind::kOuterAck, position_);
  }

  // As BBR does it in its start-up, which a sender that is given less than it could send never leaves.
  void learn_pace(std::uint64_t position) {
    acknowledged_ = position;
    const auto [sent_at, before] = outer_.front();
    outer_.pop_front();
    const double rate = static_cast<double>(position - before) / in_seconds(now_ - sent_at);
    pace_ = std::max(*pace_, kStartUpGain * std::min(rate, options_.rate));
  }

  void arrive(const Event& event) {
    received_ = event.value;
    delivered_ += event.size;
    reporter_.set_min_rtt(options_.rtt);
    reporter_.packets_received(now_, event.size + kFraming);
    if (reporter_.is_due(now_)) report();
    if (const auto deadline = reporter_.next_deadline()) at(*deadline, Kind::kReportDue, 0);

    if (event.flow == kPingFlow) {
      ping_rtts_.push_back(now_ + options_.rtt / 2 - pings_.front());
      pings_.pop_front();
      return;
    }
    Event acknowledgement = event;
    acknowledgement.kind = Kind::kAcknowledged;
    acknowledgement.time = now_ + options_.rtt / 2 + flows_[event.flow - 1].extra_rtt;
    acknowledgement.order = order_++;
    events_.push(acknowledgement);
  }

  void report() {
    if (!reporter_.is_due(now_)) return;
    reporter_.reported(now_);
    const auto noise = options_.noise.count() > 0
                           ? Duration{static_cast<Duration::rep>(
                                 random_() % static_cast<std::uint64_t>(options_.noise.count()))}
                           : Duration{};
    report_at_ = std::max(report_at_, now_ + options_.rtt / 2 + noise);
    at(report_at_, Kind::kReport, received_);
  }

  void acknowledge(const Event& event) {
    GreedyFlow& flow = flows_[event.flow - 1];
    flow.delivered += event.size;
    flow.heard_at = now_;
    if (event.number < flow.expected) return;
    flow.marks += event.is_marked ? 1 : 0;
    const bool has_lost = flow.expected != event.number;
    flow.losses += event.number - flow.expected;
    while (flow.expected <= event.number) {
      flow.in_flight -= flow.sizes.front();
      flow.sizes.pop_front();
      ++flow.expected;
    }
    if (!flow.reacts) return;
    const bool is_bad_news = event.is_marked || has_lost;
    if (is_bad_news && event.number >= flow.cut_until) {
      flow.cut_until = flow.next_number;
      flow.window = flow.threshold = std::max(flow.window / 2, 2.0 * 1448);
    } else if (!is_bad_news) {
      const auto octets = static_cast<double>(event.size);
      flow.window += flow.window < flow.threshold ? octets : 1448 * octets / flow.window;
    }
  }

  BottleneckOptions options_;
  std::mt19937_64 random_;
  Instant now_{std::chrono::hours{1}};
  std::priority_queue<Event> events_;
  std::uint64_t order_ = 0;

  std::vector<GreedyFlow> flows_;
  FqCodel queue_{42};
  StreamWindow window_;
  ReceiveReporter reporter_;
  Bytes scratch_;

  std::uint64_t position_ = 0;
  std::vector<Event> piece_;  // put on the stream in this turn
  std::uint64_t piece_octets_ = 0;
  Instant opens_at_{};

  // The TCP below: its pace, and for each piece under way when it was sent, and what was acknowledged then.
  std::optional<double> pace_ = options_.first_pace;
  Instant paced_until_{};
  std::deque<std::pair<Instant, std::uint64_t>> outer_;
  std::uint64_t acknowledged_ = 0;

  Instant free_at_{};
  Instant arrived_at_{};
  Instant report_at_{};
  std::uint64_t received_ = 0;

  std::deque<Instant> pings_;
  std::vector<Duration> ping_rtts_;
  std::uint64_t most_undelivered_ = 0;
  std::uint64_t largest_sent_ = 0;
  std::uint64_t delivered_ = 0;
};

}  // namespace isthmus::session
