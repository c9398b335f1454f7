#include "session/stream_window.h"

namespace isthmus::session {

namespace {

constexpr Duration kProbeInterval = std::chrono::seconds{10};
// ... or longer on a long path, so that probes cost less than 3 % everywhere.
constexpr int kProbeIntervalInRtts = 40;

// A queue stands if it was there for two round trips, and for longer than a busy machine makes a process
// wait.
constexpr Duration kShortestStanding = std::chrono::milliseconds{30};

// The start-up ends after so many rounds in which the rate did not grow by a quarter (BBR's full pipe).
constexpr int kRoundsWithoutGrowth = 3;
constexpr double kGrowth = 1.25;
// ... and begins again after so many rounds that filled the window and met no queue.
constexpr int kRoundsWithoutQueue = 2;

// What is sent at once crosses in one piece: ssh makes one packet of it, and nothing of a packet arrives
// before all of it has. So a window is spread over half of the time that it is made for, in pieces of a tenth
// of the headroom; where ssh's longest packet takes no longer than that, there is nothing to spread.
constexpr double kPaceGain = 2;
constexpr Duration kShortestPiece = std::chrono::microseconds{500};
constexpr double kMostAtOnce = 32 * 1024;

double seconds(Duration time) {
  return std::chrono::duration<double>{time}.count();
}

}  // namespace

void StreamWindow::sent(Instant now, std::uint64_t position) {
  if (position <= sent_) return;
  if (undelivered() == 0) received_at_ = first_sent_at_ = now;  // nothing was under way: time begins anew

  const std::uint64_t begin = sent_;
  sent_ = position;
  paced_until_ = std::max(paced_until_, now) + time_at_pace(position - begin);
  round_.most_undelivered = std::max(round_.most_undelivered, undelivered());
  if (is_same_burst(now)) {
    bursts_[(first_burst_ + burst_count_ - 1) % kMaxBursts].end = position;
    return;
  }
  bursts_[(first_burst_ + burst_count_) % kMaxBursts] = {begin,     position,     now,
                                                         received_, received_at_, first_sent_at_};
  ++burst_count_;
}

// Bursts are cut fine enough (a 256th of the window, a 64th of the round trip) that their length does not
// blur what is measured by them, and coarse enough that the ring suffices for any path.
bool StreamWindow::is_same_burst(Instant now) const {
  if (burst_count_ == 0) return false;
  if (burst_count_ == kMaxBursts) return true;
  return sent_ - newest().begin <= limit_ / 256 && min_rtt_ && now - newest().sent_at <= *min_rtt_ / 64;
}

void StreamWindow::reported(Instant now, std::uint64_t received) {
  received = std::min(received, sent_);
  if (received <= received_) return;
  if (probe_) round_.is_full = false;

  if (is_starting_up_ && 2 * undelivered() >= limit_)
    limit_ = std::min(limit_ + received - received_, kCeiling);
  received_ = received;
  if (const std::optional<Burst> burst = take_delivered()) {
    const Duration rtt = now - burst->sent_at;
    learn_rtt(now, rtt);
    learn_rate(now, *burst);
    watch_standing(now, *burst, rtt);
    keep_probing(now, *burst, rtt);
    // Doubling makes a queue of half a round trip at most before the path is full: this is more, and the
    // round need not end first.
    const Duration base = *min_rtt();
    const bool is_loaded = 2 * round_.most_undelivered >= limit_;
    if (is_starting_up_ && is_loaded && rtt > base + base / 2 + 2 * headroom(base)) leave_start_up();
    first_sent_at_ = burst->sent_at;
  }
  received_at_ = now;
  if (received_ >= round_.end) end_round();
  set_limit();
}

// Such a round says how much the sender wanted, not how much the stream could carry.
void StreamWindow::left_open() {
  if (room() > 0) round_.is_full = false;
}

// The newest burst that the peer has all of; it and the older ones are forgotten.
std::optional<StreamWindow::Burst> StreamWindow::take_delivered() {
  std::optional<Burst> burst;
  while (burst_count_ > 0 && bursts_[first_burst_].end <= received_) {
    burst = bursts_[first_burst_];
    first_burst_ = (first_burst_ + 1) % kMaxBursts;
    --burst_count_;
  }
  return burst;
}

void StreamWindow::learn_rtt(Instant now, Duration rtt) {
  round_.lowest_rtt = std::min(round_.lowest_rtt.value_or(rtt), rtt);
  round_.highest_rtt = std::max(round_.highest_rtt, rtt);
  // What comes near the minimum confirms it.
  if (!min_rtt_ || rtt <= *min_rtt_ + *min_rtt_ / 16) min_rtt_at_ = now;
  min_rtt_ = std::min(min_rtt_.value_or(rtt), rtt);

  const Duration interval = std::max(kProbeInterval, kProbeIntervalInRtts * *min_rtt_);
  if (now - probed_at_ > interval) min_rtt_before_.reset();
  if (!probe_ && now - min_rtt_at_ > interval) probe_ = Probe{};
}

// draft-cheng-iccrg-delivery-rate-estimation section 3.3: what was reported since the burst was sent, by the
// longer of the times in which it was sent and in which it was reported. The first tames reports that come
// together, the second a sender that had paused.
void StreamWindow::learn_rate(Instant now, const Burst& burst) {
  const Duration interval = std::max(burst.sent_at - burst.first_sent_at, now - burst.received_at);
  if (interval <= Duration::zero() || interval < *min_rtt() || burst.sent_at < standing_.from) return;
  const double rate = static_cast<double>(received_ - burst.received) / seconds(interval);
  round_.best_rate = std::max(round_.best_rate, rate);
}

// The window makes a queue of about the headroom. One of more than twice that, met by all that was sent for
// two round trips, says that the stream has become slower: the rate is then what came in that time, and
// nothing older counts. (A stall ends in one late report, and what is sent next is fast again.) If what was
// sent after the cut meets the same queue, it is not ours: the path has become longer.
void StreamWindow::watch_standing(Instant now, const Burst& burst, Duration rtt) {
  if (burst.sent_at < standing_.from) return;
  const Duration base = *min_rtt();
  // A window at its floor can make a queue that no cut would end.
  if (limit_ == kFloor || rtt <= base + 2 * headroom(base)) {
    standing_ = {};
    return;
  }
  if (!standing_.since) {
    standing_.since = now;
    standing_.received = received_;
    standing_.lowest_rtt = rtt;
    return;
  }
  standing_.lowest_rtt = std::min(standing_.lowest_rtt, rtt);
  const Duration time = now - *standing_.since;
  if (time < std::max(kShortestStanding, 2 * (base + headroom(base)))) return;

  const Duration lowest = standing_.lowest_rtt;
  const bool is_path_longer = standing_.rtt_before && lowest - base > (*standing_.rtt_before - base) / 2;
  if (is_path_longer) {
    min_rtt_ = lowest;
    min_rtt_before_.reset();
    min_rtt_at_ = now;
    standing_ = {.from = now};
    return;
  }
  rates_.fill(0);
  rates_[0] = static_cast<double>(received_ - standing_.received) / seconds(time);
  next_rate_ = 1;
  round_.best_rate = 0;
  leave_start_up();
  standing_ = {.from = now, .rtt_before = rtt};
}

void StreamWindow::end_round() {
  const Round round = round_;
  const std::uint64_t delivered = received_ - round.begin;
  const bool is_best = round.best_rate > *std::ranges::max_element(rates_);
  // Rounds that were not full never push an old rate out, unless by a better one.
  if (round.best_rate > 0 && (round.is_full || is_best)) {
    rates_[next_rate_] = round.best_rate;
    next_rate_ = (next_rate_ + 1) % kRounds;
  }
  round_ = {.begin = received_, .end = sent_};
  // After a pause a round begins and ends with a few packets: they say nothing of a full window.
  if (!round.lowest_rtt || delivered < round.most_undelivered / 4) return;
  if (is_starting_up_) judge_start_up(round);
  if (is_starting_up_ || !round.is_full) return;
  judge_need_of_start_up(round);
}

// Doubles the window every round while that brings more. A sender that is starting up itself must not meet
// the window before it meets the stream, so half full is enough.
void StreamWindow::judge_start_up(const Round& round) {
  const Duration base = *min_rtt();
  const bool has_grown = rate() >= kGrowth * start_up_rate_;
  if (has_grown) start_up_rate_ = rate();
  if (round.is_full) rounds_without_growth_ = has_grown ? 0 : rounds_without_growth_ + 1;

  // A packet alone that was late met no queue of ours.
  const bool has_queue =
      2 * round.most_undelivered >= limit_ && *round.lowest_rtt > base + headroom(base) / 2;
  const bool is_too_large = round.is_full && limit_ > 4 * window_of(base + headroom(base));
  if (has_queue || is_too_large || rounds_without_growth_ >= kRoundsWithoutGrowth) leave_start_up();
}

// A stream that has become faster shows by rounds that fill the window and meet no queue.
void StreamWindow::judge_need_of_start_up(const Round& round) {
  const Duration base = *min_rtt();
  const bool has_queue = round.highest_rtt > base + headroom(base) / 2;
  rounds_without_queue_ = has_queue ? 0 : rounds_without_queue_ + 1;
  if (rounds_without_queue_ < kRoundsWithoutQueue) return;
  is_starting_up_ = true;
}

void StreamWindow::leave_start_up() {
  is_starting_up_ = false;
  start_up_rate_ = 0;
  rounds_without_growth_ = 0;
  rounds_without_queue_ = 0;
}

// Over when bursts of half a round trip have passed the drained stream, or when nothing is under way: then
// the next packet measures by itself.
void StreamWindow::keep_probing(Instant now, const Burst& burst, Duration rtt) {
  if (!probe_) return;
  if (!probe_->drained_at && undelivered() <= probe_limit()) probe_->drained_at = now;
  if (!probe_->drained_at) return;
  if (burst.sent_at >= *probe_->drained_at)
    probe_->lowest_rtt = std::min(probe_->lowest_rtt.value_or(rtt), rtt);
  if (undelivered() > 0 && burst.sent_at < *probe_->drained_at + *min_rtt_ / 2) return;

  // The minimum of before counts for another interval, in case a stall fell into this probe.
  min_rtt_before_ = min_rtt_;
  if (probe_->lowest_rtt) min_rtt_ = probe_->lowest_rtt;
  min_rtt_at_ = probed_at_ = now;
  probe_.reset();
}

void StreamWindow::set_limit() {
  if (is_starting_up_ || rate() <= 0) return;
  const Duration base = *min_rtt();
  limit_ = std::clamp(window_of(base + headroom(base)), kFloor, kCeiling);
}

std::uint64_t StreamWindow::room() const {
  return limit() > undelivered() ? limit() - undelivered() : 0;
}

bool StreamWindow::is_open(Instant now) const {
  return room() > 0 && (!min_rtt_ || paced_until_ < now + piece());
}

std::optional<Instant> StreamWindow::opens_at(Instant now) const {
  if (room() == 0 || is_open(now)) return std::nullopt;
  return paced_until_;
}

Duration StreamWindow::piece() const {
  return std::max<Duration>(headroom(*min_rtt_) / 10, kShortestPiece);
}

Duration StreamWindow::time_at_pace(std::uint64_t octets) const {
  if (!min_rtt_) return {};
  const double pace = kPaceGain * static_cast<double>(limit_) / seconds(*min_rtt_ + headroom(*min_rtt_));
  if (pace * seconds(piece()) >= kMostAtOnce) return {};
  return Duration{static_cast<Duration::rep>(static_cast<double>(octets) / pace * 1e9)};
}

std::uint64_t StreamWindow::largest_packet() const {
  return std::clamp<std::uint64_t>(window_of(std::chrono::milliseconds{1}), 1500, 65535);
}

double StreamWindow::rate() const {
  return std::max(*std::ranges::max_element(rates_), round_.best_rate);
}

std::optional<Duration> StreamWindow::min_rtt() const {
  if (!min_rtt_ || !min_rtt_before_) return min_rtt_;
  return std::min(*min_rtt_, *min_rtt_before_);
}

std::uint64_t StreamWindow::window_of(Duration time) const {
  return static_cast<std::uint64_t>(std::min(rate() * seconds(time), static_cast<double>(kCeiling)));
}

std::uint64_t StreamWindow::probe_limit() const {
  return std::clamp(window_of(*min_rtt()) / 2, kFloor, kCeiling);
}

}  // namespace isthmus::session
