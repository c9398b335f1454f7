// A monitor's control socket: streams that arrive, requests to end, and rivals of the same pair.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "app/host_id.h"
#include "app/monitor.h"
#include "app/policy_files.h"
#include "io/journal.h"
#include "io/watch.h"

namespace isthmus::app {
namespace {

// Of incoming calls: the newest.
constexpr std::size_t kLegsKept = 64;

}  // namespace

// What the session has is to be ours in a moment.
void Monitor::forget(const SessionState& session, HostFacts& facts) const {
  std::erase_if(facts.interfaces, [&](const InterfaceFacts& one) { return one.name == session.interface; });
  const Result<std::vector<io::SessionRecord>> records = io::Journal::read_all(dir_);
  if (!records) return;
  const auto record = std::ranges::find(*records, session.session, &io::SessionRecord::session);
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

void Monitor::wait_control() {
  listener_ready_.async_wait(
      asio::posix::stream_descriptor::wait_read, [this](const asio::error_code& error) {
        if (error) return;
        for (auto accepted = listener_.accept(); accepted && *accepted; accepted = listener_.accept()) {
          auto client =
              std::make_shared<Client>(Client{std::move(**accepted), asio::posix::stream_descriptor{loop_}});
          // Without a descriptor for it nobody can be heard.
          if (!io::watch(client->readable, client->socket.fd(), "wait for a request")) continue;
          clients_.push_back(client);
          hear(client);
        }
        wait_control();
      });
}

// One request a connection; whoever answers it has the connection then.
void Monitor::hear(const std::shared_ptr<Client>& client) {
  client->readable.async_wait(asio::posix::stream_descriptor::wait_read,
                              [this, client](const asio::error_code& error) {
                                if (error) return;
                                Result<std::optional<io::ControlMessage>> message = client->socket.receive();
                                if (message && !*message) return hear(client);
                                std::erase(clients_, client);
                                if (!message) return;
                                const Result<ControlRequest> request = decode_request((*message)->payload);
                                if (!request)
                                  return log_.warning("control socket: " + request.error().message);
                                obey(std::move(client->socket), *request, std::move((*message)->fds));
                              });
}

void Monitor::obey(io::ControlConnection socket, const ControlRequest& request,
                   std::vector<io::UniqueFd> fds) {
  if (const auto* stream = std::get_if<AttachRequest>(&request))
    return attach(std::move(socket), *stream, std::move(fds));
  // What its user wants ends, whatever the engine makes of it.
  if (std::holds_alternative<DownRequest>(request)) want_end();
  tell(Asked{request}, {socket.fd()});
}

// What let a stream in must be what the session's policy is from: a key that may have what its file says must
// not come by what a login as root, or the user of this machine, was given.
Result<void> Monitor::admit(const AttachRequest& request) const {
  const config::PeerPolicy& policy = setup_.site.policy();
  config::StandingSession session{
      .name = setup_.session,
      .origin = setup_.site.is_adopted() ? config::PolicyOrigin::kAdopted : policy.origin,
      .is_named = setup_.dial && setup_.dial->is_named,
      .outer = {}};
  for (const std::string& text : state_.outer) {
    if (const Result<IpAddress> address = IpAddress::parse(text)) session.outer.push_back(*address);
  }
  TRY(config::check_joins(session, {request.peer_file, request.client}));
  if (!setup_.dial || request.peer_file.empty()) return {};
  const config::PeerPolicy file = TRY(read_peer_policy(request.peer_file));
  const std::vector<std::string> beyond = config::beyond_file(policy, file);
  if (beyond.empty()) return {};
  return fail(Error::Code::kRefused, fmt::format("{}", fmt::join(beyond, ", ")));
}

void Monitor::attach(io::ControlConnection front, const AttachRequest& request,
                     std::vector<io::UniqueFd> fds) {
  if (fds.size() < 2) return;
  // A session that yields passes its own `attach` on; it has no more business here itself.
  io::ControlConnection waiting =
      fds.size() > 2 ? io::ControlConnection{std::move(fds[2])} : std::move(front);
  if (is_undone_ || !channels_) {
    std::ignore =
        waiting.send(encode(ControlReply{.text = "the session was just ending", .is_not_taken = true}));
    return;
  }
  if (const Result<void> admitted = admit(request); !admitted) {
    log_.warning(fmt::format("{} is refused: {}", request.login, admitted.error().message));
    std::ignore = waiting.send(encode(ControlReply{static_cast<int>(config::ExitCode::kRefusedHere),
                                                   "refused by policy: " + admitted.error().message}));
    return;
  }
  log_.notice(fmt::format("{} has connected", request.login));
  MonitoredLeg leg;
  leg.request = request;
  // After a lost stream the caller comes back from another port.
  if (request.client) leg.incoming.remote.push_back({*request.client, 0});
  if (request.server) leg.incoming.local.push_back(request.server->address);
  if (!setup_.dial) {
    state_.destination = request.login;
    if (state_.peer_host.empty()) state_.peer_host = request.host;
    state_.outer.clear();
    if (request.client) state_.outer.push_back(request.client->to_string());
    save_state();
  }
  const LegId id = next_leg_++;
  const auto oldest = std::ranges::find_if(legs_, [](const auto& entry) { return !entry.second.ssh; });
  if (legs_.size() >= kLegsKept && oldest != legs_.end()) legs_.erase(oldest);
  legs_.emplace(id, std::move(leg));
  if (tell(StreamArrived{id, request}, {fds[0].get(), fds[1].get(), waiting.fd()})) return;
  legs_.erase(id);
  std::ignore =
      waiting.send(encode(ControlReply{.text = "the session does not keep up", .is_not_taken = true}));
}

// The same machine may be known here by two names: as the far end of our own call, and as a root login whose
// request is adopted. What was adopted gives way to what the user of this machine asked for: its stream goes
// to the `up`, where the rule of the lower node id is applied as between two calls of one session. Peers with
// a file of their own are paired by that file's name only. A host id is a claim, and must not let one peer
// take another's place: ssh has to show that both have the same far end. A plan disturbs nobody.
Monitor::Answer Monitor::on(const LookForRivals& request) {
  const MonitoredLeg* leg = find(request.leg);
  if (leg != nullptr) note_far_end(*leg);
  save_state();  // whoever is asked to yield looks whether ssh has shown the same far end
  going_.clear();
  Rivals rivals;
  for (const SessionState& other : read_states(dir_)) {
    const bool is_rival = other.session != setup_.session && other.peer_host == hex(request.host);
    if (!is_rival || setup_.plan_only || !share_far_end(state_, other)) continue;
    const bool we_yield = !setup_.dial && setup_.site.is_adopted() && other.role == "up";
    if (we_yield && rivals.yield_to.empty()) rivals.yield_to = other.session;
    const bool they_yield = setup_.dial && other.role == "attach" && other.is_adopted;
    if (they_yield && ask_to_yield(other)) going_.push_back(other);
  }
  Result<HostFacts> facts = read_facts();
  if (!facts) return {encode_reply<void>(std::unexpected(facts.error())), {}};
  rivals.facts = std::move(*facts);
  return {encode_reply(Result<Rivals>{std::move(rivals)}), {}};
}

bool Monitor::ask_to_yield(const SessionState& other) const {
  const auto path = dir_.file_of(other.session, "sock");
  if (!path) return false;
  Result<io::ControlConnection> socket = io::ControlConnection::connect(path->string());
  return socket && socket->send(encode(YieldRequest{setup_.session}));
}

// To a far end that has one session for all our calls (an adopted login, one peer file) two sessions would
// take turns at it for ever: it knows a second `up` only as the first one's next call. Of two that begin at
// once the lower slot goes on.
Monitor::Answer Monitor::on(const FindTwin& request) {
  const auto records = io::Journal::read_all(dir_).value_or(std::vector<io::SessionRecord>{});
  for (const io::SessionRecord& record : records) {
    if (!record.is_alive || record.session == setup_.session) continue;
    const Result<SessionState> other = read_state(dir_, record.session);
    if (!other || other->role != "up" || other->peer_node != hex(request.node)) continue;
    if (other->phase == "calling" && record.slot > routes_.slot()) continue;
    return {encode_reply(Result<std::string>{record.session}), {}};
  }
  return {encode_reply(Result<std::string>{std::string{}}), {}};
}

Monitor::Answer Monitor::on(const ReadOuter& request) {
  return {encode_reply(read_outer(request.session)), {}};
}

// Connected to before anything is given up for it.
Result<std::vector<std::string>> Monitor::read_outer(const std::string& session) {
  SessionState other = TRY(read_state(dir_, session));
  const std::filesystem::path path = TRY(dir_.file_of(session, "sock"));
  successor_.emplace(session, TRY(io::ControlConnection::connect(path.string())));
  return std::move(other.outer);
}

// Only what was adopted gives way, and only a stream that came to this session from where the other's ssh is
// connected to.
Monitor::Answer Monitor::on(const PassOn& request) {
  return {encode_reply(pass_on(request)), {}};
}

Result<void> Monitor::pass_on(const PassOn& request) {
  const MonitoredLeg* leg = find(request.leg);
  const bool is_whole = leg != nullptr && !leg->ssh && leg->request.client && passed_.size() == 3;
  if (!is_whole || setup_.dial || !setup_.site.is_adopted())
    return fail(Error::Code::kRefused, "pass a stream on: this session has none to give");
  const SessionState other = TRY(read_state(dir_, request.session));
  if (std::ranges::find(other.outer, leg->request.client->to_string()) == other.outer.end())
    return fail(Error::Code::kRefused, "pass a stream on: its far end is not that session's");
  if (!successor_ || successor_->first != request.session)
    return fail(Error::Code::kRefused, "pass a stream on: that session was not asked");
  AttachRequest passed = leg->request;
  passed.session = request.session;
  passed.host = state_.peer_host;
  const std::array<int, 3> fds{passed_[0].get(), passed_[1].get(), passed_[2].get()};
  return successor_->second.send(encode(passed), fds);
}

}  // namespace isthmus::app
