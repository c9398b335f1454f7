#include "session/path_mtu.h"

#include <algorithm>
#include <utility>

#include "base/guard.h"
#include "esp/esp_format.h"

namespace isthmus::session {
namespace {

constexpr std::size_t kUdpHeader = 8;

// Two probes that leave one after the other, or a processor's turn later.
constexpr Duration kBeside = std::chrono::milliseconds{100};

constexpr std::size_t ip_header(Family family) {
  return family == Family::kIpv4 ? 20 : 40;
}

}  // namespace

std::size_t inner_mtu(std::size_t outer, Family family) {
  const std::size_t around = ip_header(family) + kUdpHeader + esp::kHeaderSize + crypto::kIcvSize;
  if (outer < around + esp::kAlignment) return 0;
  const std::size_t sealed = (outer - around) / esp::kAlignment * esp::kAlignment;
  return sealed - esp::kTrailerSize;
}

void PathMtu::start(Instant now, Family family, std::size_t largest, std::size_t likely) {
  family_ = family;
  likely_ = likely;
  largest_ = std::max(largest, kBasePlpmtu);
  enter_base(now);
}

void PathMtu::stop() {
  *this = PathMtu{};
}

// Also where a black hole was found (RFC 8899 section 4.3): what is known to pass is at best the base.
void PathMtu::enter_base(Instant now) {
  state_ = State::kBase;
  plpmtu_.reset();
  bound_ = largest_;
  raise_at_.reset();
  probe(now, kBasePlpmtu);
}

void PathMtu::enter_error(Instant now) {
  state_ = State::kError;
  plpmtu_.reset();
  raise_at_.reset();
  count_ = 0;
  probed_ = kBasePlpmtu;
  is_awaited_ = true;
  at_ = now + kMtuErrorTimer;
}

void PathMtu::probe(Instant now, std::size_t size) {
  probed_ = size;
  count_ = 0;
  is_awaited_ = true;
  at_ = next_at(now);
}

// What passed before first, and the largest size, since it mostly passes; then the middle of what is left.
void PathMtu::search(Instant now) {
  state_ = State::kSearching;
  const std::size_t likely = std::exchange(likely_, 0);
  if (likely > *plpmtu_ && likely < bound_) return probe(now, likely);
  if (bound_ < *plpmtu_ + kMtuStep) return complete(now);
  const bool is_first = bound_ == largest_;
  const std::size_t middle = (*plpmtu_ + bound_) / 2 / esp::kAlignment * esp::kAlignment;
  probe(now, is_first ? bound_ : middle);
}

void PathMtu::complete(Instant now) {
  state_ = State::kComplete;
  trust();
  probed_ = *plpmtu_;
  at_ = now + kMtuConfirmTimer;
  if (!raise_at_ || *raise_at_ <= now) raise_at_ = now + kMtuRaiseTimer;
}

std::optional<std::size_t> PathMtu::probe_due(Instant now, bool is_busy) {
  if (raise_at_ && now >= *raise_at_ && state_ == State::kComplete && !is_awaited_) {
    raise_at_.reset();
    bound_ = largest_;
    search(now);
  }
  while (at_ && now >= *at_) {
    const Duration patience = std::max(kMtuProbeTimer, 2 * round_trip_);
    if (state_ == State::kError) {
      at_ = now + std::max(kMtuErrorTimer, patience);
      sent_at_ = now;
      return probed_;
    }
    if (count_ >= kMaxProbesOfSize) {
      give_up(now);
      continue;
    }
    if (state_ == State::kComplete && !is_awaited_ && !is_busy) {
      at_ = now + kMtuConfirmTimer;
      return std::nullopt;
    }
    is_awaited_ = true;
    ++count_;
    at_ = now + patience;
    sent_at_ = now;
    if (is_suspected_) asked_at_ = now;
    return probed_;
  }
  return std::nullopt;
}

// MAX_PROBES of one size were lost.
void PathMtu::give_up(Instant now) {
  switch (state_) {
    case State::kBase:
      return enter_error(now);
    case State::kComplete:
      return enter_base(now);
    case State::kSearching:
      bound_ = probed_ - 1;
      return search(now);
    case State::kDisabled:
    case State::kError:
      return;
  }
}

std::optional<Instant> PathMtu::next_deadline() const {
  if (!at_) return std::nullopt;
  return raise_at_ && state_ == State::kComplete ? std::min(*at_, *raise_at_) : *at_;
}

// Probes are rounded down to what ESP can make of them, and so are packets.
void PathMtu::confirm(Instant now, std::size_t size) {
  if (state_ == State::kDisabled || !is_awaited_ || size + esp::kAlignment <= probed_) return;
  if (state_ == State::kComplete) return complete(now);
  plpmtu_ = probed_;
  if (state_ != State::kSearching) bound_ = largest_;
  search(now);
}

// RFC 8899 section 4.6.2. A size is taken down on its word, and up on none.
void PathMtu::too_big(Instant now, std::size_t size) {
  const std::size_t least = family_ == Family::kIpv4 ? kLeastTooBigIpv4 : kLeastTooBigIpv6;
  if (!guard<Guard::kLeastMtu>(size >= least)) return;
  if (state_ == State::kDisabled || state_ == State::kError) return;
  if (size < kBasePlpmtu) return enter_error(now);
  if (size >= std::max(probed_, plpmtu_.value_or(0))) return;
  bound_ = size;
  if (plpmtu_ && size < *plpmtu_) {
    plpmtu_ = kBasePlpmtu;
    state_ = State::kSearching;
    return probe(now, size);
  }
  if (state_ == State::kSearching && size < probed_) {
    if (size >= *plpmtu_ + kMtuStep) return probe(now, size);
    return complete(now);
  }
}

void PathMtu::suspect(Instant now) {
  if (state_ != State::kComplete || is_suspected_) return;
  is_suspected_ = true;
  is_awaited_ = true;
  at_ = next_at(now);
}

void PathMtu::trust() {
  is_awaited_ = false;
  is_suspected_ = false;
  asked_at_.reset();
  doubted_since_.reset();
  count_ = 0;
}

// Of probes that are further apart either may have been lost for another reason.
void PathMtu::shorter_arrived(Instant sent) {
  if (!asked_at_ || doubted_since_ || sent < *asked_at_ - kBeside || sent > *asked_at_ + kBeside) return;
  doubted_since_ = asked_at_;
}

void PathMtu::way_changed() {
  if (state_ == State::kComplete) trust();
}

}  // namespace isthmus::session
