// What a session says and hears once its routes are in place: Ready, the proof, and the plan.
#include <algorithm>
#include <utility>

#include "session/session.h"

namespace isthmus::session {

void Session::routes_ready(Instant now, Ready ready) {
  if (!current_) return;
  routes_ready_ = true;
  ours_ready_ = std::move(ready);
  Call& call = calls_.at(*current_);
  if (call.is_plain()) {
    theirs_ready_ = Ready{};
    if (call.agreement().ipv4) theirs_ready_->gateways.push_back(call.agreement().ipv4->remote);
  } else {
    call.send(now, ours_ready_);
  }
  begin_proof(now);
}

void Session::hear(Instant now, const Ready& ready) {
  if (theirs_ready_) return;  // said once an agreement; a repetition may not start probes again
  theirs_ready_ = ready;
  begin_proof(now);
}

void Session::begin_proof(Instant now) {
  if (!routes_ready_ || !theirs_ready_) return;
  proof_by_ = now + 2 * kProofPatience;
  actions_.emplace_back(Prove{*theirs_ready_});
}

void Session::probed(Instant now, ProofReport report) {
  if (!current_ || !proof_by_) return;
  our_report_ = std::move(report);
  Call& call = calls_.at(*current_);
  proof_by_ = now + kProofPatience;
  if (!call.is_plain()) call.send(now, *our_report_);
  if (call.is_plain() || their_report_) finish_proof();
}

void Session::hear(Instant, ProofReport report) {
  if (their_report_) return;
  their_report_ = std::move(report);
  if (our_report_) finish_proof();
}

void Session::finish_proof() {
  proof_by_.reset();
  actions_.emplace_back(Proven{our_report_.value_or(ProofReport{}), their_report_});
}

void Session::hear(PlanReport report) {
  constexpr std::size_t kMostLines = 400;  // of a peer that never says is_last
  if (!options_.identity.plan_only || is_plan_whole_) return;
  std::ranges::move(report.lines, std::back_inserter(plan_lines_));
  is_plan_whole_ = report.is_last || plan_lines_.size() >= kMostLines;
  tell_plan();
}

// Our own half of the plan follows from the agreement, which comes a little later than theirs.
void Session::tell_plan() {
  if (is_plan_whole_ && phase_ == Phase::kUp)
    actions_.emplace_back(PlanArrived{std::exchange(plan_lines_, {})});
}

}  // namespace isthmus::session
