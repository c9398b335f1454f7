// What a DatagramPath says and hears on the stream, and what it decides.
#include "session/datagram_path.h"

#include <algorithm>

#include "base/check.h"
#include "base/earlier.h"
#include "base/guard.h"

namespace isthmus::session {
namespace {

std::unexpected<Error> skipped(const char* what) {
  return fail(Error::Code::kProtocol, std::string{"datagram path: "} + what);
}

}  // namespace

DatagramPath::DatagramPath(PathOptions options, RandomSource& random)
    : options_(std::move(options)), rekeyer_(options_.keying, random), probes_(random) {}

// --- Streams

void DatagramPath::stream_up(Instant now, PathFacts facts) {
  if (has_stream_) stream_down(now);
  facts_ = std::move(facts);
  has_stream_ = true;
  is_closed_ = false;
  told_.clear();
  if (options_.mode != PathMode::kStream) say_hello();
  if (auto early = std::exchange(early_, std::nullopt)) on(now, std::move(*early));
  settle(now);
}

void DatagramPath::stream_down(Instant now) {
  has_stream_ = false;
  is_greeted_ = false;
  early_.reset();
  rekeyer_.stream_down();
  // It may be the peer that is gone.
  if (remote_) check(now);
  settle(now);
}

void DatagramPath::facts_changed(Instant now, PathFacts facts) {
  facts_ = std::move(facts);
  if (peer_) candidates_ = candidates_of(*peer_, facts_, options_.own_addresses);
  settle(now);
}

void DatagramPath::say_hello() {
  DatagramHello hello;
  hello.port = options_.port;
  hello.addresses = options_.own_addresses;
  hello.seen = facts_.ssh_peers;
  hello.ciphers = options_.keying.wishes.ciphers;
  hello.keying = rekeyer_.state();
  messages_.push_back(encode(hello));
}

void DatagramPath::close(Instant now) {
  if (has_stream_ && !is_closed_ && options_.mode != PathMode::kStream)
    messages_.push_back(encode(PathClose{}));
  is_closed_ = true;
  leave(now, "it was switched off here");
}

bool DatagramPath::takes(ConstBytes message) {
  return is_datagram_message(message) || keying::is_key_message(message);
}

Result<void> DatagramPath::hear(Instant now, ConstBytes message) {
  if (options_.mode == PathMode::kStream) return skipped("a message, though only the stream is wanted here");
  if (is_closed_) return skipped("a message after the end of it");
  if (keying::is_key_message(message)) {
    if (!has_stream_) return skipped("a key message before the stream stands");
    const Result<void> heard = rekeyer_.hear(now, message);
    drain();
    settle(now);
    return heard;
  }
  DatagramMessage body = TRY(decode_datagram_message(message));
  if (auto* hello = std::get_if<DatagramHello>(&body)) {
    // The peer may find sooner than we that both ends agree.
    if (has_stream_) {
      on(now, std::move(*hello));
    } else {
      early_ = std::move(*hello);
    }
  }
  if (const auto* report = std::get_if<PathReport>(&body)) on(now, *report);
  if (const auto* close = std::get_if<PathClose>(&body)) on(now, *close);
  settle(now);
  return {};
}

// Keys are compared with the first of a stream alone: a later one may have crossed an exchange.
void DatagramPath::on(Instant now, DatagramHello hello) {
  peer_ = std::move(hello);
  const std::vector<Endpoint> before =
      std::exchange(candidates_, candidates_of(*peer_, facts_, options_.own_addresses));
  const bool is_first = !std::exchange(is_greeted_, true);
  if (is_first) {
    rekeyer_.stream_up(now, peer_->keying);
    drain();
    echoes_wanted_ = 1;
  }
  if (is_first || candidates_ != before) search_anew(now);
}

void DatagramPath::on(Instant now, const PathReport& report) {
  const bool has_arrived = loss_.report(now, report);
  const unsigned loss = loss_.take_loss().value_or(0);
  if (!remote_) return;
  if (has_arrived) health_.confirm(now);
  if (report.probe_size) mtu_.confirm(now, *report.probe_size);
  if (loss > kSuspiciousLoss) suspect_size(now);
}

void DatagramPath::on(Instant now, const PathClose&) {
  is_closed_ = true;
  leave(now, "the far end switched it off");
}

// Everything ends; the next stream begins with new keys.
void DatagramPath::leave(Instant now, std::string reason) {
  lose(now, std::move(reason));
  rekeyer_.retire_all();
  rekeyer_.stream_down();
  drain();
  peer_.reset();
  candidates_.clear();
  last_remote_.reset();
  heard_from_.reset();
  settle(now);
}

void DatagramPath::network_changed(Instant now, std::vector<IpAddress> own_addresses) {
  const bool is_new = own_addresses != options_.own_addresses;
  options_.own_addresses = std::move(own_addresses);
  if (is_new && is_greeted_) say_hello();
  if (peer_) candidates_ = candidates_of(*peer_, facts_, options_.own_addresses);
  if (!remote_) return search_anew(now);
  // The peer learns from this where we are now, and we whether it still answers.
  check(now);
}

void DatagramPath::interface_mtu(Instant now, std::size_t mtu) {
  if (std::exchange(interface_mtu_, mtu) == mtu || !remote_) return;
  start_size(now);
  settle(now);
}

void DatagramPath::too_big(Instant now, const Endpoint& to, esp::Spi quoted, std::size_t size) {
  // RFC 8899 section 4.6.1. Whoever guesses a live SPI sees our traffic, and could drop it as well. Of
  // another address (an earlier one, or one that is just tried) it tells nothing about the path in use.
  if (!guard<Guard::kQuotedAddress>(remote_ == to)) return;
  if (!guard<Guard::kQuotedSpi>(rekeyer_.has_outbound(quoted))) return;
  mtu_.too_big(now, size);
  probe_size(now);
  settle(now);
}

// --- Decisions

std::optional<std::size_t> DatagramPath::fitting_mtu() const {
  if (!remote_ || !mtu_.plpmtu()) return std::nullopt;
  const std::size_t inner = inner_mtu(*mtu_.plpmtu(), remote_->address.family());
  return facts_.carries_ipv6 && inner < kLeastIpv6Mtu ? std::nullopt : std::optional{inner};
}

// Whether the inner MTU would be narrowed on the way in, perhaps for a moment only: hosts remember for ten
// minutes what a moment's ICMP message told them.
bool DatagramPath::is_size_unsettled(Instant now) const {
  if (way_ == Way::kDatagrams || options_.mode == PathMode::kDatagram) return false;
  return mtu_.state() == PathMtu::State::kSearching && now < size_by_ &&
         (inner_mtu_ == 0 || *fitting_mtu() < inner_mtu_);
}

// Short packets come through, and a long one has not for so long: a black hole perhaps. Until that is known
// the stream takes all sizes, and hosts, whose TCP waits twice as long with each try, lose a try or two.
bool DatagramPath::is_size_doubtful(Instant now) const {
  const std::optional<Instant> since = mtu_.doubted_since();
  if (!since || options_.mode == PathMode::kDatagram) return false;
  const Duration patience = std::max(kPathTick, 2 * round_trip_.value_or(Duration{}));
  return now - *since >= patience;
}

std::string DatagramPath::why_not(Instant now) const {
  if (options_.mode == PathMode::kStream) return "only the stream is wanted here";
  if (is_closed_) return reason_;
  if (!peer_) return "the far end has not offered it";
  if (rekeyer_.live().empty())
    return rekeyer_.refusal() ? "the far end refuses the keys" : "there are no keys yet";
  if (!remote_) return "nothing answers by UDP";
  if (!rekeyer_.outward()) return "the keys are not proven yet";
  if (!mtu_.plpmtu()) return "packets of 1280 octets have not come through yet";
  if (!fitting_mtu()) return "it takes no packets of 1280 octets, which IPv6 needs";
  if (is_size_doubtful(now)) return "large packets do not come through";
  if (is_size_unsettled(now)) return "how large packets may be is not known yet";
  return {};
}

void DatagramPath::settle(Instant now) {
  std::string reason = why_not(now);
  if (!reason.empty() || is_closed_) {
    if (way_ == Way::kDatagrams) size_by_ = now + kSizePatience;
    const Way other = options_.mode == PathMode::kDatagram ? Way::kNowhere : Way::kStream;
    return carry(other, std::move(reason));
  }
  outer_mtu_ = *mtu_.plpmtu();
  if (const std::size_t inner = *fitting_mtu(); std::exchange(inner_mtu_, inner) != inner)
    actions_.emplace_back(SetInnerMtu{inner});
  carry(Way::kDatagrams, {});
}

void DatagramPath::carry(Way way, std::string reason) {
  const bool is_new = std::exchange(way_, way) != way;
  reason_ = std::move(reason);
  if (is_new) actions_.emplace_back(Carry{way, reason_});
}

PathStatus DatagramPath::status() const {
  PathStatus status;
  status.way = way_;
  status.reason = reason_;
  status.remote = remote_;
  status.round_trip = round_trip_;
  if (remote_) status.outer_mtu = mtu_.plpmtu();
  status.loss_per_mille = loss_.per_mille();
  return status;
}

// --- Time

std::optional<Instant> DatagramPath::next_deadline() const {
  std::optional<Instant> deadline = rekeyer_.next_deadline();
  if (!rekeyer_.live().empty()) deadline = earlier(deadline, tick_at_);
  if (!remote_) return peer_ && rekeyer_.for_probes() ? earlier(deadline, probe_at_) : deadline;
  return earlier(deadline, earlier(health_.silent_at(), mtu_.next_deadline()));
}

void DatagramPath::advance(Instant now, const PathCounts& counts) {
  if (counts.packets_sent != counts_.packets_sent) busy_at_ = active_at_ = now;
  if (counts.dummies_sent != counts_.dummies_sent) active_at_ = now;
  counts_ = counts;
  health_.observe(now, counts.packets_sent);
  rekeyer_.advance(now);
  drain();
  if (remote_ && !rekeyer_.for_probes()) lose(now, "there are no keys");
  if (remote_ && health_.is_silent(now)) lose(now, "nothing that was sent has arrived");
  if (remote_) {
    probe_size(now);
    follow_move(now);
  } else if (now >= probe_at_) {
    probe_candidates(now);
  }
  if (now >= tick_at_) {
    tick_at_ = now + kPathTick;
    watch(now);
    report();
  }
  settle(now);
}

void DatagramPath::report() {
  if (!is_greeted_ || is_closed_) return;
  if (counts_.received == told_ && largest_probe_ == 0) return;
  PathReport report{counts_.received, std::nullopt};
  if (largest_probe_ > 0)
    report.probe_size = static_cast<std::uint16_t>(std::min<std::size_t>(largest_probe_, 0xffff));
  messages_.push_back(encode(report));
  told_ = counts_.received;
  largest_probe_ = 0;
}

// In their order: a probe that goes out before SetRemote would go elsewhere.
void DatagramPath::drain() {
  for (keying::WorkerCommand& command : rekeyer_.take_commands()) commands_.push_back(std::move(command));
  for (Bytes& message : rekeyer_.take_messages()) messages_.push_back(std::move(message));
}

}  // namespace isthmus::session
