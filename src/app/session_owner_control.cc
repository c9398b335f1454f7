// A session owner's control socket: streams that arrive, requests to end, and rivals of the same pair.
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "app/host_id.h"
#include "app/policy_files.h"
#include "app/session_owner.h"
#include "io/boot_clock.h"
#include "io/journal.h"

namespace isthmus::app {
namespace {

// What the session has is to be ours in a moment.
void forget(const std::string& session, const io::RuntimeDir& dir, HostFacts& facts) {
  const Result<std::vector<io::SessionRecord>> records = io::Journal::read_all(dir);
  if (!records) return;
  const auto record = std::ranges::find(*records, session, &io::SessionRecord::session);
  if (record == records->end()) return;
  const auto is_its_own = [&](const RouteFacts& route) { return route.table == kFirstTable + record->slot; };
  for (auto* routes : {&facts.routes, &facts.fallbacks}) {
    for (const RouteFacts& route : *routes) {
      if (!is_its_own(route)) continue;
      std::erase_if(facts.proxied,
                    [&](const IpAddress& address) { return route.destination.contains(address); });
    }
    std::erase_if(*routes, is_its_own);
  }
}

// What let a stream in must be what the session's policy is from: a key that may have what its file says must
// not come by what a login as root, or the user of this machine, was given.
Result<void> admit(const OwnerSetup& setup, const SessionState& state, const AttachRequest& request) {
  const config::PeerPolicy& policy = setup.site.policy();
  config::StandingSession session{
      .name = setup.session,
      .origin = setup.site.is_adopted() ? config::PolicyOrigin::kAdopted : policy.origin,
      .is_named = setup.dial && setup.dial->is_named,
      .outer = {}};
  for (const std::string& text : state.outer) {
    if (const Result<IpAddress> address = IpAddress::parse(text)) session.outer.push_back(*address);
  }
  TRY(config::check_joins(session, {request.peer_file, request.client}));
  if (!setup.dial || request.peer_file.empty()) return {};
  const config::PeerPolicy file = TRY(read_peer_policy(request.peer_file));
  const std::vector<std::string> beyond = config::beyond_file(policy, file);
  if (beyond.empty()) return {};
  return fail(Error::Code::kRefused, fmt::format("{}", fmt::join(beyond, ", ")));
}

}  // namespace

void SessionOwner::wait_control() {
  listener_ready_.async_wait(
      asio::posix::stream_descriptor::wait_read, [this](const asio::error_code& error) {
        if (error) return;
        for (auto accepted = listener_.accept(); accepted && *accepted; accepted = listener_.accept()) {
          const int readable = fcntl((*accepted)->fd(), F_DUPFD_CLOEXEC, 3);
          auto connection = std::make_shared<Connection>(
              Connection{std::move(**accepted), asio::posix::stream_descriptor{loop_, readable}});
          connections_.push_back(connection);
          serve(connection);
        }
        wait_control();
      });
}

void SessionOwner::serve(const std::shared_ptr<Connection>& connection) {
  connection->readable.async_wait(
      asio::posix::stream_descriptor::wait_read, [this, connection](const asio::error_code& error) {
        if (error) return;
        Result<std::optional<io::ControlMessage>> message = connection->socket.receive();
        if (!message) {
          std::erase(connections_, connection);
          return;
        }
        if (*message) obey(connection, std::move(**message));
        turn();
        const bool is_kept = std::ranges::find(connections_, connection) != connections_.end();
        if (is_kept) serve(connection);
      });
}

void SessionOwner::obey(const std::shared_ptr<Connection>& connection, io::ControlMessage message) {
  const Result<ControlRequest> request = decode_request(message.payload);
  if (!request) return log_.warning("control socket: " + request.error().message);
  if (const auto* stream = std::get_if<AttachRequest>(&*request)) {
    std::erase(connections_, connection);
    asio::error_code ignored;
    connection->readable.close(ignored);
    return attach(std::move(connection->socket), *stream, std::move(message.fds));
  }
  if (std::holds_alternative<DownRequest>(*request)) {
    connection->waits_for_end = true;
    log_.notice("asked to end by `isthmus down`");
    return session_->close(io::boot_now(),
                           {session::Bye::Reason::kUndone, "ended by `isthmus down` at the other end"});
  }
  if (const auto* yield = std::get_if<YieldRequest>(&*request)) return yield_to(yield->to);
  save_state();
  std::ignore = connection->socket.send(to_json_text(present_state()));
}

void SessionOwner::attach(io::ControlConnection front, const AttachRequest& request,
                          std::vector<io::UniqueFd> fds) {
  if (fds.size() < 2) return;
  // A session that yields passes its own `attach` on; it has no more business here itself.
  io::ControlConnection waiting =
      fds.size() > 2 ? io::ControlConnection{std::move(fds[2])} : std::move(front);
  if (is_over_) {
    std::ignore =
        waiting.send(encode(ControlReply{.text = "the session was just ending", .is_not_taken = true}));
    return;
  }
  if (const Result<void> admitted = admit(setup_, state_, request); !admitted) {
    log_.warning(fmt::format("{} is refused: {}", request.login, admitted.error().message));
    std::ignore = waiting.send(encode(ControlReply{static_cast<int>(config::ExitCode::kRefusedHere),
                                                   "refused by policy: " + admitted.error().message}));
    return;
  }
  Leg leg;
  leg.direction = session::Direction::kIncoming;
  leg.front = std::move(waiting);
  // After a lost stream the caller comes back from another port.
  if (request.client) leg.outer.remote.push_back({*request.client, 0});
  if (request.server) leg.outer.local.push_back(request.server->address);
  if (request.server) leg.answered_at = request.server->port;
  leg.login = request.login;
  log_.notice(fmt::format("{} has connected", request.login));
  if (!setup_.dial) state_.destination = request.login;
  if (!setup_.dial && state_.peer_host.empty()) state_.peer_host = request.host;
  if (!setup_.dial) state_.outer.clear();
  if (!setup_.dial && request.client) state_.outer.push_back(request.client->to_string());
  const Result<LegId> id = add_leg(std::move(leg), std::move(fds[0]), std::move(fds[1]));
  if (!id) return log_.error(id.error().message);
  begin_call(*id);
  turn();
}

// The same machine may be known here by two names: as the far end of our own call, and as a root login whose
// request is adopted. What was adopted gives way to what the user of this machine asked for: its stream goes
// to the `up`, where the rule of the lower node id is applied as between two calls of one session. Peers with
// a file of their own are paired by that file's name only. A host id is a claim, and must not let one peer
// take another's place: ssh has to show that both have the same far end. A plan disturbs nobody. What a
// session that gives way still has in the kernel is left out of `facts`: it is going, and must not be taken
// for a clash.
void SessionOwner::look_for_rivals(const session::Hello& hello, HostFacts& facts) {
  if (setup_.plan_only || hello.plan_only) return;
  const std::string host = hex(hello.host);
  for (const SessionState& other : read_states(dir_)) {
    if (other.session == setup_.session || other.peer_host != host) continue;
    if (!share_far_end(state_, other)) continue;
    const bool they_yield = setup_.dial && other.role == "attach" && other.is_adopted;
    const bool we_yield = !setup_.dial && setup_.site.is_adopted() && other.role == "up";
    if (we_yield) {
      yield_to(other.session);
      return;
    }
    if (!they_yield) continue;
    const auto path = dir_.file_of(other.session, "sock");
    if (!path) continue;
    Result<io::ControlConnection> socket = io::ControlConnection::connect(path->string());
    if (!socket || !socket->send(encode(YieldRequest{setup_.session}))) continue;
    forget(other.session, dir_, facts);
    std::erase_if(facts.interfaces, [&](const InterfaceFacts& one) { return one.name == other.interface; });
  }
}

void SessionOwner::yield_to(const std::string& session) {
  if (setup_.dial || !setup_.site.is_adopted()) return;
  const auto path = dir_.file_of(session, "sock");
  const Result<SessionState> other = read_state(dir_, session);
  if (!path || !other) return;
  const auto is_shown = [&](const Leg& leg) {
    const auto& login = leg.outer.remote;
    return !login.empty() &&
           std::ranges::find(other->outer, login.front().address.to_string()) != other->outer.end();
  };
  const std::optional<session::CallId> current = session_->current();
  const auto place = std::ranges::find_if(legs_, [&](const auto& entry) {
    const Leg& leg = entry.second;
    return !leg.is_hung_up && leg.front && is_shown(leg) && (!current || leg.call == current);
  });
  if (place == legs_.end()) return;
  Result<io::ControlConnection> socket = io::ControlConnection::connect(path->string());
  if (!socket) return;
  Leg leg = std::move(place->second);
  legs_.erase(place);
  const auto [in, out] = leg.stream->release();
  AttachRequest request{session,          "",          leg.login, std::nullopt, setup_.verbosity,
                        state_.peer_host, std::nullopt};
  if (!leg.outer.remote.empty()) request.client = leg.outer.remote.front().address;
  if (!leg.outer.local.empty()) request.server = {leg.outer.local.front(), leg.answered_at};
  const std::array<int, 3> fds{in.get(), out.get(), leg.front->fd()};
  // What we changed goes first: the other session wants the same routes.
  finish(config::ExitCode::kSuperseded, fmt::format("session {} of the same pair carries on", session));
  const Result<void> sent = socket->send(encode(request), fds);
  if (!sent)
    log_.error(fmt::format("the stream could not be given to session {}: {}", session, sent.error().message));
}

}  // namespace isthmus::app
