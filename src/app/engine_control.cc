// What an engine's monitor tells it: streams that arrive, requests to end, ssh's end.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "app/engine.h"
#include "io/boot_clock.h"

namespace isthmus::app {

void Engine::on(const StreamArrived& arrived, std::vector<io::UniqueFd> fds) {
  if (fds.size() != 3) return;
  const AttachRequest& request = arrived.request;
  io::ControlConnection waiting{std::move(fds[2])};
  if (is_over_) {
    std::ignore =
        waiting.send(encode(ControlReply{.text = "the session was just ending", .is_not_taken = true}));
    return;
  }
  Leg leg;
  leg.direction = session::Direction::kIncoming;
  leg.front = std::move(waiting);
  // After a lost stream the caller comes back from another port.
  if (request.client) leg.outer.remote.push_back({*request.client, 0});
  if (request.server) leg.outer.local.push_back(request.server->address);
  if (!setup_.dial) state_.destination = request.login;
  if (!setup_.dial && state_.peer_host.empty()) state_.peer_host = request.host;
  if (!setup_.dial) state_.outer.clear();
  if (!setup_.dial && request.client) state_.outer.push_back(request.client->to_string());
  const Result<void> added = add_leg(arrived.leg, std::move(leg), std::move(fds[0]), std::move(fds[1]));
  if (!added) return log_.error(added.error().message);
  begin_call(arrived.leg);
}

void Engine::on(const Asked& asked, std::vector<io::UniqueFd> fds) {
  if (fds.size() != 1) return;
  io::ControlConnection connection{std::move(fds.front())};
  if (const auto* yield = std::get_if<YieldRequest>(&asked.request)) return yield_to(yield->to);
  if (std::holds_alternative<DownRequest>(asked.request)) {
    waiting_for_end_.push_back(std::move(connection));
    log_.notice("asked to end by `isthmus down`");
    return session_->close(io::boot_now(),
                           {session::Bye::Reason::kUndone, "ended by `isthmus down` at the other end"});
  }
  save_state();
  std::ignore = connection.send(to_json_text(present_state()));
}

void Engine::on(const SshEnded& ended, const std::vector<io::UniqueFd>&) {
  const auto place = legs_.find(ended.leg);
  if (place != legs_.end() && place->second.ssh) place->second.ssh->process_ended(ended.status);
}

// Of a pair that the user of this machine has joined: the stream goes there.
void Engine::yield_to(const std::string& session) {
  if (setup_.dial || !setup_.site.is_adopted()) return;
  const std::vector<std::string> shown = monitor_.outer_of_session(session);
  const auto is_shown = [&](const Leg& leg) {
    const auto& login = leg.outer.remote;
    return !login.empty() && std::ranges::find(shown, login.front().address.to_string()) != shown.end();
  };
  const std::optional<session::CallId> current = session_->current();
  const auto place = std::ranges::find_if(legs_, [&](const auto& entry) {
    const Leg& leg = entry.second;
    return !leg.is_hung_up && leg.front && is_shown(leg) && (!current || leg.call == current);
  });
  if (place == legs_.end()) return;
  const LegId id = place->first;
  Leg leg = std::move(place->second);
  legs_.erase(place);
  const auto [in, out] = leg.stream->release();
  const std::array<int, 3> fds{in.get(), out.get(), leg.front->fd()};
  // What we changed goes first: the other session wants the same routes.
  finish(config::ExitCode::kSuperseded, fmt::format("session {} of the same pair carries on", session));
  const Result<void> sent = monitor_.pass_on(session, id, fds);
  if (!sent)
    log_.error(fmt::format("the stream could not be given to session {}: {}", session, sent.error().message));
}

}  // namespace isthmus::app
