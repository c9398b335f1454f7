#include "app/engine_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/guard.h"

namespace isthmus::app {
namespace {

constexpr std::size_t kJudgementsKept = 8;
constexpr int kLeastMtu = 68;  // what every IPv4 module forwards whole (RFC 791 section 3.2)
constexpr int kMostMtu = 65535;

std::unexpected<Error> refuse(const std::string& what) {
  return fail(Error::Code::kRefused, "the engine of this session asks for " + what);
}

// The first of `wanted` that is not among `permitted`.
std::optional<Prefix> beyond(const std::vector<Prefix>& wanted, const std::vector<Prefix>& permitted) {
  const auto place = std::ranges::find_if(
      wanted, [&](const Prefix& prefix) { return std::ranges::find(permitted, prefix) == permitted.end(); });
  return place == wanted.end() ? std::nullopt : std::optional{*place};
}

std::string text_of(const std::optional<Prefix>& prefix) {
  return prefix ? prefix->to_string() : "";
}

}  // namespace

Result<void> EngineRules::judged(const Judged& request, const OuterPath& outer, const HostFacts& facts) {
  judgements_.erase(request.leg);
  const bool joins = !request.hello || !request.hello->plan_only;
  if (!guard<Guard::kEnginePlan>(joins)) return refuse("a judgement of a peer that only plans");
  if (judgements_.size() >= kJudgementsKept) judgements_.erase(judgements_.begin());
  session::Settlement settlement = site_.judge(request.hello, facts, {outer.remote, kFirstTable + slot_});
  judgements_.emplace(request.leg, Judgement{request, site_, std::move(settlement)});
  return {};
}

Result<RoutePlanInput> EngineRules::plan_for(const Join& join, const std::string& interface,
                                             const OuterPath& outer, const HostFacts& facts) const {
  const auto place = judgements_.find(join.leg);
  if (place == judgements_.end()) return refuse("an agreement with a peer that was not judged");
  const auto& [request, site, settlement] = place->second;
  if (!guard<Guard::kEngineRefusal>(!settlement.refusal))
    return refuse("an agreement with a peer that policy refuses");
  // By now another session may have what it was offered, or this machine be in another network.
  Site again = site;
  const session::Settlement now = again.judge(request.hello, facts, {outer.remote, kFirstTable + slot_});
  const std::optional<Prefix> not_accepted = beyond(join.accepted, settlement.accepted);
  const std::optional<Prefix> not_accepted_now = beyond(join.accepted, now.accepted);
  if (!guard<Guard::kEngineAccepted>(!not_accepted) || !guard<Guard::kEngineAcceptedNow>(!not_accepted_now))
    return refuse("a route that policy does not accept: " +
                  text_of(not_accepted ? not_accepted : not_accepted_now));
  const std::optional<Prefix> not_offered = beyond(join.offered, settlement.offers);
  if (!guard<Guard::kEngineOffered>(!not_offered))
    return refuse("a way to what policy does not offer: " + text_of(not_offered));
  // The filter lets a peer that has no networks pass, and a plain one that is to have none.
  const bool is_plain_pair = site.policy().accepts.empty() && site.policy().offers.empty();
  const bool has_networks = !join.accepted.empty() || !join.offered.empty();
  if (!guard<Guard::kEngineNetworks>(has_networks || is_plain_pair)) return refuse("an agreement on nothing");
  TRY(check_addresses(join, place->second));
  session::Agreement agreement;
  agreement.accepted = join.accepted;
  agreement.offered = join.offered;
  if (join.ipv4) agreement.ipv4 = ppp::Ipv4Up{join.ipv4->local, join.ipv4->remote, {}};
  if (join.ipv6) agreement.ipv6 = ppp::Ipv6Up{join.ipv6->local, join.ipv6->remote};
  return site.plan_input(agreement, interface, slot_, outer);
}

Result<void> EngineRules::check_addresses(const Join& join, const Judgement& judgement) {
  const ppp::NetworkOptions& network = judgement.settlement.network;
  const bool has_ids = !join.ipv6 || (network.ipv6 && join.ipv6->local != 0 && join.ipv6->remote != 0);
  if (!guard<Guard::kEngineInterfaceId>(has_ids))
    return refuse("IPv6, which this machine has not or the link did not agree on");
  if (!join.ipv4) return {};
  const IpAddress& local = join.ipv4->local;
  const IpAddress& remote = join.ipv4->remote;
  const bool is_own =
      network.local_ipv4 == local || (network.accept_local_ipv4 && judgement.site.permits_local(local));
  if (!guard<Guard::kEngineLocalAddress>(local.is_v4() && is_own))
    return refuse("the address " + local.to_string() + " on this machine");
  const bool is_theirs = network.remote_ipv4 == remote || judgement.site.permits_remote(remote);
  if (!guard<Guard::kEngineRemoteAddress>(remote.is_v4() && is_theirs))
    return refuse("the peer's address to be " + remote.to_string());
  return {};
}

Result<void> EngineRules::check_mtu(int mtu) {
  if (guard<Guard::kEngineMtu>(mtu >= kLeastMtu && mtu <= kMostMtu)) return {};
  return refuse(fmt::format("an MTU of {}", mtu));
}

Result<void> EngineRules::check_sockets(std::size_t count) {
  if (guard<Guard::kEngineSockets>(count >= 1 && count <= kMostWorkers)) return {};
  return refuse(fmt::format("{} sockets", count));
}

Result<void> EngineRules::check(const OpenTunnel& tunnel) {
  TRY(check_mtu(tunnel.mtu));
  if (guard<Guard::kEngineQueues>(tunnel.queues >= 1 && tunnel.queues <= kMostWorkers)) return {};
  return refuse(fmt::format("an interface with {} queues", tunnel.queues));
}

}  // namespace isthmus::app
