// How a DatagramPath finds where the peer answers, and notices when it no longer does.
#include <algorithm>
#include <utility>

#include "base/guard.h"
#include "session/datagram_path.h"

namespace isthmus::session {

void DatagramPath::worker_event(Instant now, const esp::TunnelEvent& event) {
  if (is_closed_) return;
  std::visit([&](const auto& one) { on(now, one); }, event);
  settle(now);
}

void DatagramPath::on(Instant now, const esp::EchoArrived& echo) {
  const bool is_of_keys = rekeyer_.echo_arrived(now, echo);
  drain();
  if (is_of_keys && remote_) health_.confirm(now);
  if (const std::optional<PathProbe> probe = probes_.take(now, echo)) answered(now, *probe);
}

// The token came back, whatever address the echo came from: what was sent to `probe.to` has arrived.
void DatagramPath::answered(Instant now, const PathProbe& probe) {
  const bool is_of_search = !remote_ && probe.purpose != PathProbe::Purpose::kMove;
  if (is_of_search) candidate_answered(now, probe.to);
  if (remote_ == probe.to) {
    round_trip_ = now - probe.sent;
    mtu_.round_trip(*round_trip_);
    echo_at_ = now;
    answered_at_ = std::max(answered_at_, probe.sent);
    health_.confirm(now);
    if (probe.purpose != PathProbe::Purpose::kSize) mtu_.shorter_arrived(probe.sent);
  }
  if (is_of_search) return;
  if (probe.purpose == PathProbe::Purpose::kSize && remote_ == probe.to) {
    mtu_.confirm(now, probe.size);
    probe_size(now);
  }
  if (probe.purpose != PathProbe::Purpose::kMove) return follow_move(now);
  move_.prove(now, probe.to);
  follow_move(now);
}

void DatagramPath::candidate_answered(Instant now, const Endpoint& candidate) {
  if (echoes_.size() >= kMaxCandidates && !echoes_.contains(candidate)) return;
  if (++echoes_[candidate] >= echoes_wanted_) return take(now, candidate);
  probe_at_ = std::min(probe_at_, now + kPathTick / 2);
}

void DatagramPath::take(Instant now, const Endpoint& remote) {
  remote_ = last_remote_ = remote;
  active_at_ = echo_at_ = answered_at_ = now;
  is_check_due_ = false;
  health_.begin(now);
  set_remote(remote);
  rekeyer_.path_known(now, true);
  drain();
  start_size(now);
}

void DatagramPath::set_remote(const Endpoint& remote) {
  for (std::size_t worker = 0; worker < options_.keying.workers; ++worker)
    commands_.push_back({worker, esp::SetRemote{remote}});
}

void DatagramPath::lose(Instant now, std::string reason) {
  if (remote_) echoes_wanted_ = kEchoesAfterFailure;
  remote_.reset();
  round_trip_.reset();
  mtu_.stop();
  move_ = {};
  rekeyer_.path_known(now, false);
  search_anew(now);
  carry(options_.mode == PathMode::kDatagram ? Way::kNowhere : Way::kStream, std::move(reason));
}

void DatagramPath::search_anew(Instant now) {
  echoes_.clear();
  eager_until_ = now + kEagerProbing;
  // However often this is asked for, a round goes out once a tick.
  probe_at_ = std::max(now, probed_at_ + kPathTick);
}

void DatagramPath::probe_candidates(Instant now) {
  if (!peer_ || !rekeyer_.for_probes()) return;
  std::vector<Endpoint> all = candidates_;
  const auto add = [&](const Endpoint& endpoint) {
    const bool is_new = std::ranges::find(all, endpoint) == all.end();
    if (is_new && all.size() < kMaxProbed && may_probe(endpoint)) all.push_back(endpoint);
  };
  // And what has answered before, though the peer does not know of it.
  if (last_remote_) add(*last_remote_);
  for (const auto& [endpoint, echoes] : echoes_) add(endpoint);
  for (const Endpoint& endpoint : all) probe(now, PathProbe::Purpose::kCandidate, endpoint);
  probed_at_ = now;
  probe_at_ = now + (now < eager_until_ ? kPathTick : kPatientProbing);
}

void DatagramPath::on(Instant now, const esp::ProbeArrived& arrived) {
  rekeyer_.probe_arrived(now, arrived);
  drain();
  largest_probe_ = std::max(largest_probe_, arrived.size);
  if (!remote_) reply(now, arrived.from);
}

// The peer's probe comes through, so ours may too: to an address that only a NAT knew, or sooner than its
// turn. One for each tick and address, so that no more goes there than three times what came.
void DatagramPath::reply(Instant now, const Endpoint& from) {
  const bool is_due = replied_.size() < kMaxCandidates && std::ranges::find(replied_, from) == replied_.end();
  if (!guard<Guard::kReplies>(is_due)) return;
  if (!may_probe(from)) return;
  heard_from_ = from;
  replied_.push_back(from);
  probe(now, PathProbe::Purpose::kCandidate, from);
}

bool DatagramPath::may_probe(const Endpoint& to) const {
  return may_be_probed(to.address, facts_, options_.own_addresses);
}

// The called end follows the caller's packets, and the caller keeps what answers: if each followed the other,
// two ends that begin at different addresses would change places for ever. A probe may come from a second
// address of a peer that tries several.
void DatagramPath::on(Instant now, const esp::RemoteMoved& moved) {
  if (!remote_) return reply(now, moved.from);
  if (moved.from == *remote_ || !may_probe(moved.from)) return;
  heard_from_ = moved.from;
  const bool is_packet = moved.by == esp::RemoteMoved::By::kPacket;
  // With another port of the same address it is a NAT that has forgotten the first; where that happens again
  // soon, two NATs may answer each other's new ports with new ports.
  const bool is_rebound = moved.from.address == remote_->address && move_.is_rare(now);
  const bool is_led = options_.keying.role == keying::Role::kCalled;
  const Duration patience = !is_packet ? 2 * kPathTick : is_led || is_rebound ? Duration{} : kPathTick;
  if (move_.begin(now, moved.from, patience) && patience > Duration{}) check(now);
  follow_move(now);
}

void DatagramPath::follow_move(Instant now) {
  if (!remote_ || !move_.to()) return;
  if (move_.take_probe(now)) probe(now, PathProbe::Purpose::kMove, *move_.to());
  if (move_.is_due(now, answered_at_)) return move(now);
  if (move_.is_needless(answered_at_)) return move_.keep_old(now);
  if (move_.is_over(now)) move_.end();
}

void DatagramPath::move(Instant now) {
  const Endpoint to = *move_.to();
  const bool is_same_family = to.address.family() == remote_->address.family();
  move_.finish(now);
  remote_ = last_remote_ = to;
  set_remote(to);
  health_.confirm(now);
  // Of a size that never came through, the old address may have been the cause.
  const bool is_searching = mtu_.state() == PathMtu::State::kSearching;
  if (!is_same_family || !mtu_.plpmtu() || is_searching) return start_size(now);
  mtu_.way_changed();
  suspect_size(now);
}

void DatagramPath::on(Instant now, const esp::LimitReached& limit) {
  rekeyer_.limit_reached(now, limit);
}

// Once a tick.
void DatagramPath::watch(Instant now) {
  replied_.clear();
  // Packets come, though no probes any more: the peer has found its way.
  const bool is_receiving = std::exchange(received_at_tick_, counts_.received) != counts_.received;
  if (!remote_ && is_receiving && heard_from_) reply(now, *heard_from_);
  if (!remote_) return;
  // A path that does not carry yet has nothing else that would show its end.
  const Duration patience = now < eager_until_ ? 2 * kPathTick : kPatientProbing;
  const bool is_unproven = way_ != Way::kDatagrams && now - echo_at_ >= patience;
  const bool is_idle = now - active_at_ >= kKeepaliveAfter;
  // The peer has nothing to say, or cannot be heard: then it does not hear us either, who only answer.
  const bool has_stopped = inflow_.has_stopped(counts_.packets_received);
  const bool is_doubtful = health_.is_doubtful(now);
  if (is_doubtful) move_.doubt(now);
  follow_move(now);
  if (is_check_due_ || is_doubtful || is_idle || is_unproven || has_stopped) check(now);
}

// Whether the path still works: asked once a tick, however many reasons there are.
void DatagramPath::check(Instant now) {
  is_check_due_ = now < checked_at_ + kPathTick;
  if (is_check_due_) return;
  checked_at_ = now;
  probe(now, PathProbe::Purpose::kHealth, *remote_);
  health_.expect(now, round_trip_.value_or(Duration{}));
  if (!std::exchange(is_size_suspected_, false)) return;
  mtu_.suspect(now);
  probe_size(now);
}

void DatagramPath::start_size(Instant now) {
  mtu_.start(now, remote_->address.family(), interface_mtu_, outer_mtu_);
  size_by_ = now + kSizePatience;
  probe_size(now);
}

void DatagramPath::probe_size(Instant now) {
  if (!remote_) return;
  const bool is_busy = way_ == Way::kDatagrams && now - busy_at_ < kMtuConfirmTimer;
  while (const std::optional<std::size_t> size = mtu_.probe_due(now, is_busy))
    probe(now, PathProbe::Purpose::kSize, *remote_, *size);
}

// A long probe beside the next short one: if that alone is answered, it is the size.
void DatagramPath::suspect_size(Instant now) {
  is_size_suspected_ = true;
  check(now);
}

// In turn by every worker, so that each SA and each queue is watched.
void DatagramPath::probe(Instant now, PathProbe::Purpose purpose, const Endpoint& to, std::size_t size) {
  const std::optional<esp::Generation> generation = rekeyer_.for_probes();
  if (!generation) return;
  const std::optional<PathProbe> probe = probes_.add({purpose, *generation, to, size, 0, now});
  if (!probe) return;
  const std::size_t worker = next_worker_++ % options_.keying.workers;
  commands_.push_back({worker, esp::SendProbe{*generation, probe->token, size, to}});
  if (remote_ == to) active_at_ = now;
}

}  // namespace isthmus::session
