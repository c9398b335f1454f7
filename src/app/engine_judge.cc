// What an engine makes of a peer's Hello: whether the two ends want what the other permits.
#include <fmt/format.h>

#include "app/engine.h"
#include "app/host_id.h"
#include "base/printable.h"
#include "io/boot_clock.h"

namespace isthmus::app {
void Engine::on(session::Judge& judge) {
  const std::optional<LegId> leg = leg_of(judge.call);
  if (!leg) return;
  const OuterPath outer = outer_of(*leg, legs_.at(*leg));
  // A plan is told beside a session that stands, which keeps its own peer and policy.
  const bool is_aside = judge.hello && judge.hello->plan_only && session_->agreement() != nullptr;
  Site aside = setup_.site;
  Site& site = is_aside ? aside : setup_.site;
  if (setup_.dial)
    say_step("ssh", fmt::format("connected to {}", outer.remote.empty() ? setup_.dial->destination.to_string()
                                                                        : outer.remote.front().to_string()));
  warn_of_text_before(judge.call);
  waiting_for_ = "the link";
  const Result<HostFacts> facts = facts_for(*leg, judge, is_aside);
  if (!facts) return session_->routes_failed(io::boot_now(), facts.error().message);
  if (is_over_ || leg_of(judge.call) != leg) return;
  session::Settlement settlement = site.judge(judge.hello, *facts, {outer.remote, kFirstTable + begun_.slot});
  // The monitor, which joins nothing that it has not judged itself, hears of no plan.
  const bool is_to_join = !judge.hello || !judge.hello->plan_only;
  if (is_to_join && !setup_.plan_only) {
    const Result<void> judged = monitor_.judged(*leg, judge.hello);
    if (!judged) return session_->routes_failed(io::boot_now(), judged.error().message);
  }
  for (const session::Answer::Verdict& verdict : settlement.verdicts) {
    if (!verdict.accepted)
      log_.notice(fmt::format("{} refused: {}", verdict.prefix.to_string(), verdict.reason));
  }
  // Over one call after another we are the same interface: its link-local address stays.
  if (!settlement.network.local_interface_id) settlement.network.local_interface_id = interface_id_;
  if (judge.hello && judge.hello->plan_only && !setup_.plan_only)
    settlement.plan = plan_lines(site, *judge.hello, settlement, outer);
  // A plan shows the rest beside what is refused, where there is a rest.
  const bool is_shown_first = setup_.plan_only && judge.hello && !judge.hello->offers.empty();
  if (setup_.dial && judge.hello && !is_shown_first && !is_as_asked(foreseen(judge, settlement))) return;
  if (leg_of(judge.call)) session_->settle(io::boot_now(), judge.call, std::move(settlement));
}

// By what a peer is to be judged. A session of this machine that has the better right to it gets its stream,
// or this one ends.
Result<HostFacts> Engine::facts_for(LegId leg, const session::Judge& judge, bool is_aside) {
  if (!judge.hello || is_aside) return monitor_.read_facts();
  peer_ = judge.hello;
  state_.peer_name = judge.hello->name;
  state_.peer_host = hex(judge.hello->host);
  state_.peer_node = hex(judge.hello->node);
  save_state();
  if (is_joined_as_another()) return HostFacts{};
  if (setup_.plan_only || judge.hello->plan_only) return monitor_.read_facts();
  Rivals rivals = TRY(monitor_.look_for_rivals(leg, judge.hello->host));
  if (!rivals.yield_to.empty()) yield_to(rivals.yield_to);
  return std::move(rivals.facts);
}

bool Engine::is_joined_as_another() {
  if (!setup_.dial || setup_.plan_only || ready_) return false;
  const std::string other = monitor_.find_twin(peer_->node);
  if (other.empty()) return false;
  session_->close(io::boot_now(), {session::Bye::Reason::kUndone, "the caller has a session here already"});
  finish(
      config::ExitCode::kAlreadyUp,
      fmt::format("this pair is joined as {0} already: `isthmus down {0}` first, or name all networks in one "
                  "`isthmus up`",
                  other));
  return true;
}

void Engine::warn_of_text_before(session::CallId id) {
  const session::Call* call = session_->find(id);
  const std::string_view text = call != nullptr ? call->link().text_before_stream() : std::string_view{};
  if (text.empty()) return;
  const std::string first = printable(text.substr(0, text.find_first_of("\r\n")), 120);
  log_.warning(fmt::format("text before the stream is skipped: '{}': does a login script print it?", first));
}

// What is known of the agreement before there are addresses: a peer that offers nothing would be long in
// refusing those.
session::Agreement Engine::foreseen(const session::Judge& judge,
                                    const session::Settlement& settlement) const {
  session::Agreement agreement;
  agreement.peer = judge.hello;
  for (const session::Answer::Verdict& verdict : settlement.verdicts) {
    if (!verdict.accepted) agreement.refusals.push_back(verdict);
  }
  agreement.accepted = settlement.accepted;
  const session::Call* call = session_->find(judge.call);
  if (call != nullptr) agreement.verdicts = call->agreement().verdicts;
  return agreement;
}

// An `up` gets all that its user asked for, or says why not and ends.
bool Engine::is_as_asked(const session::Agreement& agreement) {
  const std::vector<Lack> lacks = setup_.site.lacks(agreement);
  if (lacks.empty()) return true;
  std::string text;
  for (const Lack& lack : lacks) {
    for (const std::string& sentence : lack.sentences) {
      log_.record(io::LogLevel::kError, sentence);
      text += (text.empty() ? "" : "\n") + sentence;
    }
  }
  session_->close(io::boot_now(),
                  {session::Bye::Reason::kUndone, "the caller was refused what it asked for"});
  finish(lacks.front().code, text);
  return false;
}

}  // namespace isthmus::app
