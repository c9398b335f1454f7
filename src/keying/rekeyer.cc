#include "keying/rekeyer.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/earlier.h"
#include "base/guard.h"

namespace isthmus::keying {
namespace {

constexpr std::uint32_t kLastNumber = std::numeric_limits<std::uint32_t>::max();

}  // namespace

Rekeyer::Rekeyer(RekeyerOptions options, RandomSource& random)
    : options_(std::move(options)), random_(&random) {
  CHECK(options_.workers > 0 && options_.workers <= kMaxWorkers);
  CHECK(!options_.wishes.ciphers.empty() && options_.wishes.ciphers.size() <= kMaxCiphers);
}

KeyingState Rekeyer::state() const {
  KeyingState state{options_.workers, esp::Generation{highest_}, {}};
  for (const LiveGeneration& generation : live_) state.live.push_back(generation.number());
  return state;
}

// What the last stream took with it is settled here: an answer that never came leaves a generation at the
// called end alone, a restart one at the other. What both hold goes on, proven or not.
void Rekeyer::stream_up(Instant now, const KeyingState& peer) {
  CHECK(peer.workers > 0 && peer.workers <= kMaxWorkers);
  peer_ = peer;
  refusal_.reset();
  for (const esp::Generation number : state().live) {
    if (std::ranges::find(peer.live, number) == peer.live.end()) retire(number);
  }
  agree_on_highest(std::to_underlying(peer.highest));
  for (LiveGeneration& generation : live_) generation.is_heard = true;
  const auto outward = std::ranges::find_if(live_.rbegin(), live_.rend(), &LiveGeneration::is_outward);
  if (outward != live_.rend()) say_done(*outward);
  prove_if_due(now);
}

// No peer may use up the numbers. Both ends come to the same, since each knows what the other has told.
void Rekeyer::agree_on_highest(std::uint32_t peers) {
  if (!live_.empty()) peers = std::min(peers, highest_ + std::min(kMostAhead, kLastNumber - highest_));
  highest_ = std::max(highest_, peers);
  if (live_.empty() && highest_ > kMostToBeginWith) highest_ = 0;
}

void Rekeyer::stream_down() {
  peer_.reset();
  offered_.reset();
}

void Rekeyer::path_known(Instant now, bool is_known) {
  is_path_known_ = is_known;
  prove_if_due(now);
}

bool Rekeyer::echo_arrived(Instant now, const esp::EchoArrived& echo) {
  LiveGeneration* generation = find(echo.generation);
  if (generation == nullptr) return false;
  const auto token = std::ranges::find(generation->tokens, echo.token);
  if (!guard<Guard::kProofToken>(token != generation->tokens.end())) return false;
  generation->is_heard = true;
  // A late echo of an older generation must not take the packets back to it.
  if (generation == &live_.back())
    take_over(now, *generation, static_cast<std::size_t>(token - generation->tokens.begin()));
  return true;
}

void Rekeyer::probe_arrived(Instant now, const esp::ProbeArrived& probe) {
  LiveGeneration* generation = find(probe.generation);
  if (generation == nullptr || std::exchange(generation->is_heard, true)) return;
  if (generation->probe_at) generation->probe_at = std::min(*generation->probe_at, now);
  prove_if_due(now);
}

void Rekeyer::limit_reached(Instant, const esp::LimitReached& limit) {
  LiveGeneration* generation = find(limit.generation);
  if (generation == nullptr) return;
  generation->is_wanted_anew = true;
  if (limit.is_hard) generation->is_spent = true;
}

void Rekeyer::retire_all() {
  offered_.reset();
  for (const esp::Generation number : state().live) retire(number);
}

std::optional<Instant> Rekeyer::next_deadline() const {
  std::optional<Instant> deadline = earlier(begin_at(), proof_at());
  for (const LiveGeneration& generation : live_) {
    const Duration life = options_.stop_after + (generation.is_spent ? kLinger : Duration{});
    deadline = earlier(deadline, generation.made + life);
    deadline = earlier(deadline, generation.retire_at);
  }
  return deadline;
}

void Rekeyer::advance(Instant now) {
  std::vector<esp::Generation> ended;
  for (LiveGeneration& generation : live_) {
    // Both ends stop sending by it before either stops receiving.
    if (now >= generation.made + options_.stop_after) generation.is_spent = true;
    const bool is_old = now >= generation.made + options_.stop_after + kLinger;
    if (is_old || (generation.retire_at && now >= *generation.retire_at))
      ended.push_back(generation.number());
  }
  for (const esp::Generation number : ended) retire(number);
  prove_if_due(now);
  const std::optional<Instant> due = begin_at();
  if (due && now >= *due) begin(now);
}

std::vector<Bytes> Rekeyer::take_messages() {
  return std::exchange(messages_, {});
}

std::vector<WorkerCommand> Rekeyer::take_commands() {
  return std::exchange(commands_, {});
}

// The older one is not asked once the newest is out: its outbound SAs end when the newest takes over.
std::optional<esp::Generation> Rekeyer::outward() const {
  const auto newest = std::ranges::find_if(live_.rbegin(), live_.rend(), &LiveGeneration::is_outward);
  if (newest == live_.rend() || newest->is_spent) return std::nullopt;
  return newest->number();
}

std::optional<esp::Generation> Rekeyer::for_probes() const {
  if (const auto in_use = outward()) return in_use;
  if (live_.empty() || live_.back().is_spent) return std::nullopt;
  return live_.back().number();
}

bool Rekeyer::has_outbound(esp::Spi spi) const {
  return std::ranges::any_of(live_, [&](const LiveGeneration& generation) {
    return std::ranges::find(generation.sas.outbound, spi) != generation.sas.outbound.end();
  });
}

std::optional<Instant> Rekeyer::begin_at() const {
  if (options_.role != Role::kCaller || !peer_ || offered_) return std::nullopt;
  if (refusal_ == KeyRefusal::Reason::kNoCommonCipher) return std::nullopt;
  if (highest_ == kLastNumber) return std::nullopt;
  if (live_.empty()) return not_before_;
  if (live_.size() >= kMaxLive && !live_.back().is_complete()) return std::nullopt;
  if (live_.back().is_wanted_anew) return not_before_;
  return std::max(not_before_, live_.back().made + options_.rekey_after);
}

std::optional<Instant> Rekeyer::proof_at() const {
  if (!is_path_known_ || live_.empty() || live_.back().is_outward()) return std::nullopt;
  return live_.back().probe_at;
}

void Rekeyer::prove_if_due(Instant now) {
  const std::optional<Instant> due = proof_at();
  if (due && now >= *due) prove(now, live_.back());
}

void Rekeyer::prove(Instant now, LiveGeneration& generation) {
  for (std::size_t worker = 0; worker < options_.workers; ++worker) {
    if (generation.proven[worker]) continue;
    commands_.push_back({worker, esp::SendProbe{generation.number(), generation.tokens[worker], 0, {}}});
  }
  generation.probe_at = now + kProofInterval;
}

void Rekeyer::take_over(Instant now, LiveGeneration& generation, std::size_t worker) {
  if (generation.proven[worker]) return;
  generation.proven[worker] = true;
  commands_.push_back({worker, esp::UseOutbound{generation.number()}});
  if (!generation.is_outward()) return;
  generation.probe_at.reset();
  say_done(generation);
  check_complete(now);
}

void Rekeyer::say_done(const LiveGeneration& generation) {
  if (peer_) messages_.push_back(encode(KeyDone{generation.number()}));
}

void Rekeyer::check_complete(Instant now) {
  if (!live_.back().is_complete()) return;
  // The called end leaves this to the caller, whose message may be quicker than the one before it.
  if (options_.role == Role::kCaller) not_before_ = std::max(not_before_, now + kLeastPause);
  for (LiveGeneration& older : live_) {
    if (&older == &live_.back() || older.retire_at) continue;
    older.retire_at = now + kLinger;
    for (std::size_t worker = 0; worker < options_.workers; ++worker)
      commands_.push_back({worker, esp::RetireOutbound{older.number()}});
  }
}

void Rekeyer::retire(esp::Generation number) {
  for (std::size_t worker = 0; worker < options_.workers; ++worker)
    commands_.push_back({worker, esp::Retire{number}});
  std::erase_if(live_, [&](const LiveGeneration& generation) { return generation.number() == number; });
}

LiveGeneration* Rekeyer::find(esp::Generation number) {
  const auto found = std::ranges::find(live_, number, &LiveGeneration::number);
  return found == live_.end() ? nullptr : &*found;
}

}  // namespace isthmus::keying
