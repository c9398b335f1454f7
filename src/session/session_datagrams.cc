// The datagrams of a session: what its DatagramPath hears and says.
#include <tuple>
#include <utility>

#include "session/session.h"

namespace isthmus::session {
namespace {

constexpr std::size_t kMaxEarly = 8;  // a hello for each of two calls, and some more

}  // namespace

bool Session::takes_datagrams() const {
  return current_ && calls_.at(*current_).takes_datagrams();
}

void Session::use_datagrams(Instant now, PathOptions options, PathFacts facts) {
  if (!takes_datagrams()) return;
  const bool is_caller = calls_.at(*current_).direction() == Direction::kOutgoing;
  const keying::Role role = is_caller ? keying::Role::kCaller : keying::Role::kCalled;
  // Both ends dial at times: the keys of the other roles end with them.
  if (datagrams_ && role_ != role) drop_datagrams(now);
  role_ = options.keying.role = role;
  if (!datagrams_) datagrams_.emplace(std::move(options), *random_);
  if (datagrams_call_ == current_) {
    datagrams_->facts_changed(now, std::move(facts));
  } else {
    datagrams_->stream_up(now, std::move(facts));
    datagrams_call_ = current_;
  }
  hear_early(now);
}

void Session::hear_early(Instant now) {
  for (const auto& [call, message] : std::exchange(early_, {}))
    if (datagrams_ && datagrams_call_ == call) hear_of_datagrams(now, message);
  follow_datagrams(now);
}

void Session::take_stream_from_datagrams(Instant now) {
  datagrams_call_.reset();
  if (datagrams_) datagrams_->stream_down(now);
  follow_datagrams(now);
}

void Session::drop_datagrams(Instant now) {
  datagrams_call_.reset();
  datagrams_->stream_down(now);
  datagrams_->close(now);
  std::ignore = datagrams_->take_messages();  // they were for a stream that is gone
  for (keying::WorkerCommand& command : datagrams_->take_commands())
    actions_.emplace_back(std::move(command));
  for (PathAction& action : datagrams_->take_actions())
    std::visit([this](auto& what) { actions_.emplace_back(std::move(what)); }, action);
  way_ = Way::kStream;
  datagrams_.reset();
}

void Session::on(Instant now, Call& call, DatagramsHeard& heard) {
  if (datagrams_ && datagrams_call_ == call.id() && !agree_by_) {
    hear_of_datagrams(now, heard.message);
    return follow_datagrams(now);
  }
  // Of a call that does not carry the session yet, or not as far as the shell is; or of one that is
  // negotiated anew, perhaps by another process.
  if (early_.size() < kMaxEarly) early_.emplace_back(call.id(), std::move(heard.message));
}

void Session::hear_of_datagrams(Instant now, ConstBytes message) {
  const Result<void> heard = datagrams_->hear(now, message);
  if (!heard) actions_.emplace_back(Said{ppp::LinkNote::Level::kNegotiation, heard.error().message});
}

void Session::worker_event(Instant now, const esp::TunnelEvent& event) {
  if (!datagrams_) return;
  datagrams_->worker_event(now, event);
  follow_datagrams(now);
}

void Session::too_big(Instant now, const Endpoint& to, esp::Spi quoted, std::size_t size) {
  if (!datagrams_) return;
  datagrams_->too_big(now, to, quoted, size);
  follow_datagrams(now);
}

void Session::own_addresses_changed(Instant now, std::vector<IpAddress> addresses) {
  if (!datagrams_) return;
  datagrams_->network_changed(now, std::move(addresses));
  follow_datagrams(now);
}

void Session::interface_mtu(Instant now, std::size_t mtu) {
  if (!datagrams_) return;
  datagrams_->interface_mtu(now, mtu);
  follow_datagrams(now);
}

// Commands go before the actions that rely on them.
void Session::follow_datagrams(Instant now) {
  if (!datagrams_) return;
  for (const Bytes& message : datagrams_->take_messages())
    if (current_) calls_.at(*current_).send_of_datagrams(now, message);
  for (keying::WorkerCommand& command : datagrams_->take_commands())
    actions_.emplace_back(std::move(command));
  for (PathAction& action : datagrams_->take_actions()) {
    std::optional<Carry> carry;
    if (const auto* const found = std::get_if<Carry>(&action)) carry = *found;
    std::visit([this](auto& what) { actions_.emplace_back(std::move(what)); }, action);
    if (carry) follow_way(now, *carry);
  }
}

// Without a stream the session is up as long as datagrams carry it.
void Session::follow_way(Instant now, const Carry& carry) {
  way_ = carry.way;
  if (current_) return;
  if (way_ != Way::kDatagrams && phase_ == Phase::kUp)
    return suspend(now, "stream and datagrams are both lost: " + carry.reason);
  if (way_ != Way::kDatagrams || phase_ != Phase::kHeld) return;
  phase_ = Phase::kUp;
  hold_until_.reset();
  actions_.emplace_back(Resume{});
}

}  // namespace isthmus::session
