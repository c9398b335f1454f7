// `isthmus plan`: both ends say what they would change, and change nothing.
#include <fmt/format.h>

#include "app/engine.h"
#include "app/host_id.h"
#include "io/boot_clock.h"

namespace isthmus::app {

// What this machine would become under `agreement`, a line a change.
std::vector<std::string> Engine::change_lines(const Site& site, const session::Agreement& agreement,
                                              const OuterPath& outer) {
  const std::string interface = site.likely_interface();
  const Result<HostFacts> facts = monitor_.read_facts();
  if (!facts) return {"! " + facts.error().message};
  RoutePlanInput input = site.plan_input(agreement, interface, begun_.slot, outer);
  if (input.remote_ipv4 == IpAddress{}) input.remote_ipv4.reset();  // the peer has not named its own yet
  const RoutePlan plan = make_route_plan(input, *facts);
  std::vector<std::string> lines{"interface " + interface};
  for (const auto* changes : {&plan.lasting, &plan.while_up}) {
    for (const HostChange& change : *changes) lines.push_back(describe(change));
  }
  for (const std::string& warning : plan.warnings) lines.push_back("! " + warning);
  return lines;
}

// The called end's half, before there are addresses: those it would agree to stand in.
std::vector<std::string> Engine::plan_lines(const Site& site, const session::Hello& hello,
                                            const session::Settlement& settlement, const OuterPath& outer) {
  session::Agreement agreement;
  agreement.peer = hello;
  agreement.accepted = settlement.accepted;
  agreement.offered = settlement.offers;
  const ppp::NetworkOptions& network = settlement.network;
  if (network.local_ipv4) {
    agreement.ipv4 = ppp::Ipv4Up{*network.local_ipv4, network.remote_ipv4.value_or(IpAddress{}), {}};
  }
  if (network.ipv6) agreement.ipv6 = ppp::Ipv6Up{network.local_interface_id.value_or(0), 0};
  std::vector<std::string> lines = change_lines(site, agreement, outer);
  for (const session::Answer::Verdict& verdict : settlement.verdicts) {
    if (!verdict.accepted)
      lines.push_back(fmt::format("! {} refused: {}", verdict.prefix.to_string(), verdict.reason));
  }
  return lines;
}

void Engine::on(session::PlanArrived& plan) {
  if (!setup_.progress) return;
  Progress& progress = *setup_.progress;
  const session::Agreement* agreement = session_->agreement();
  if (agreement != nullptr) {
    const std::optional<LegId> leg = leg_of(*session_->current());
    const OuterPath outer = leg ? outer_of(*leg, legs_.at(*leg)) : OuterPath{};
    progress.line(fmt::format("On this machine ({}):", machine_name()));
    for (const std::string& line : change_lines(setup_.site, *agreement, outer)) progress.line("  " + line);
    const std::vector<Lack> lacks = setup_.site.lacks(*agreement);
    for (const Lack& lack : lacks) {
      for (const std::string& sentence : lack.sentences) progress.line("  ! " + sentence);
    }
    if (!lacks.empty()) plan_code_ = lacks.front().code;
  }
  progress.line(fmt::format("On the far machine ({}):", state_.peer_name));
  for (const std::string& line : plan.lines) progress.line("  " + io::log_line(line));
  session_->close(io::boot_now(), {session::Bye::Reason::kUndone, "the plan has been told"});
}

}  // namespace isthmus::app
