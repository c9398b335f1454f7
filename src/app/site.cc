#include "app/site.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "net/own_networks.h"

namespace isthmus::app {
namespace {

constexpr std::size_t kHostsPerPrefix = 2;
constexpr std::uint32_t kAssignable = 2 * kMaxSlots;  // at the upper end of a network of ours
// A plain peer's return route is set by a script that it starts when the link is up.
constexpr int kAttemptsOfPlainPeer = 12;

Prefix host_prefix(const IpAddress& address) {
  return Prefix::around(address, address.bits());
}

bool any_of_family(const std::vector<Prefix>& prefixes, Family family) {
  return std::ranges::any_of(prefixes, [&](const Prefix& prefix) { return prefix.family() == family; });
}

bool covers(const std::vector<Prefix>& prefixes, const IpAddress& address) {
  return std::ranges::any_of(prefixes, [&](const Prefix& prefix) { return prefix.contains(address); });
}

bool is_up(const session::Agreement& agreement, Family family) {
  return family == Family::kIpv4 ? agreement.ipv4.has_value() : agreement.ipv6.has_value();
}

std::vector<Prefix> of_families_up(const session::Agreement& agreement, std::vector<Prefix> prefixes) {
  std::erase_if(prefixes, [&](const Prefix& prefix) { return !is_up(agreement, prefix.family()); });
  return prefixes;
}

// A family that did not come up, and what was agreed on that needs it.
std::vector<std::string> missing_families(const session::Agreement& agreement) {
  std::vector<std::string> sentences;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const bool is_v4 = family == Family::kIpv4;
    const std::string& why = is_v4 ? agreement.why_no_ipv4 : agreement.why_no_ipv6;
    if (is_up(agreement, family) || why.empty()) continue;
    std::vector<std::string> in_need;
    for (const auto* prefixes : {&agreement.accepted, &agreement.offered}) {
      for (const Prefix& prefix : *prefixes) {
        if (prefix.family() == family) in_need.push_back(prefix.to_string());
      }
    }
    if (in_need.empty()) continue;
    sentences.push_back(fmt::format("{} {} IPv{}, which did not come up: {}", fmt::join(in_need, ", "),
                                    in_need.size() == 1 ? "needs" : "need", is_v4 ? '4' : '6', why));
  }
  return sentences;
}

IpAddress link_local(std::uint64_t interface_id) {
  std::array<std::uint8_t, 16> octets{0xfe, 0x80};
  for (std::size_t i = 0; i < 8; ++i) octets[8 + i] = static_cast<std::uint8_t>(interface_id >> (56 - 8 * i));
  return *IpAddress::from_octets(octets);
}

template <typename T>
void add_once(std::vector<T>& list, const T& value, std::size_t most) {
  if (list.size() < most && std::ranges::find(list, value) == list.end()) list.push_back(value);
}

}  // namespace

Site::Site(config::PeerPolicy policy, std::optional<config::SitePolicy> adopt_under)
    : policy_(std::move(policy)), adopt_under_(std::move(adopt_under)) {}

session::Settlement Site::judge(const std::optional<session::Hello>& hello, const HostFacts& facts,
                                const config::JudgeContext& context) {
  session::Settlement settlement;
  if (adopt_under_ && hello) {
    policy_ = config::adopt_request(*hello, *adopt_under_);
  }
  if (policy_.origin == config::PolicyOrigin::kCommandLine && !unled_offers_)
    unled_offers_ = config::unled_offers(policy_, facts, context.own_table);
  settlement.offers = policy_.offers;
  // A plain PPP peer announces nothing: what was accepted for it stands as if it had announced it.
  const std::vector<Prefix>& announced = hello ? hello->offers : policy_.accepts;
  config::Judgement judgement = config::judge_offers(announced, policy_, facts, context);
  settlement.accepted = judgement.accepted();
  settlement.verdicts = std::move(judgement.verdicts);
  settlement.network = network_options(hello, facts, context);
  if (adopt_under_ && hello) {
    const std::vector<std::string> faults = faults_of_request(*hello, facts, context);
    if (!faults.empty())
      settlement.refusal =
          session::Bye{session::Bye::Reason::kRefused, fmt::format("{}", fmt::join(faults, ", "))};
  }
  addresses_.emplace(policy_, facts, context.own_table);
  return settlement;
}

std::vector<std::string> Site::faults_of_request(const session::Hello& hello, const HostFacts& facts,
                                                 const config::JudgeContext& context) const {
  std::vector<std::string> faults = config::forbidden_wants(hello, *adopt_under_);
  std::ranges::move(config::unled_offers(policy_, facts, context.own_table), std::back_inserter(faults));
  if (!faults.empty() || !peer_may_ask_for_address(hello) || chosen_.ipv4.remote || assigned_) return faults;
  if (any_of_family(policy_.offers, Family::kIpv4))
    faults.emplace_back(
        "a caller without an IPv4 network needs an address, and no inner network of the called end has one "
        "for it: "
        "--offer ADDRESS/32 would bring one of the caller's own, assign = [\"ADDRESS\"] (for the Internet "
        "with "
        "masquerade = true) in a file of /etc/isthmus/peers there give it one");
  return faults;
}

std::vector<std::string> Site::own_faults() const {
  std::vector<std::string> faults = unled_offers_.value_or(std::vector<std::string>{});
  const auto want = std::ranges::find(policy_.accepts, Family::kIpv6, &Prefix::family);
  const bool is_caller = policy_.origin == config::PolicyOrigin::kCommandLine;
  if (!is_caller || want == policy_.accepts.end() || policy_.ipv6.local) return faults;
  if (!any_of_family(policy_.offers, Family::kIpv6))
    faults.push_back(
        fmt::format("from {} nothing would find its way back, for no IPv6 address of this machine is offered "
                    "and the far side "
                    "gives none: --offer ADDRESS/128 offers one, --offer PREFIX a network",
                    want->to_string()));
  return faults;
}

ppp::NetworkOptions Site::network_options(const std::optional<session::Hello>& hello, const HostFacts& facts,
                                          const config::JudgeContext& context) {
  chosen_ = config::choose_addresses(policy_, facts);
  ppp::NetworkOptions options;
  options.local_ipv4 = chosen_.ipv4.local;
  options.remote_ipv4 = chosen_.ipv4.remote;
  options.accept_local_ipv4 = !policy_.ipv4.local.has_value();
  assigned_.reset();
  if (peer_may_ask_for_address(hello) && !options.remote_ipv4) assigned_ = assign_address(facts, context);
  if (assigned_) options.remote_ipv4 = assigned_;
  if (assigned_) add_once(policy_.assign, *assigned_, policy_.assign.size() + 1);
  options.ipv4 = options.local_ipv4 || any_of_family(policy_.accepts, Family::kIpv4) ||
                 (hello && any_of_family(hello->offers, Family::kIpv4));
  options.ipv6 = std::ranges::any_of(facts.sysctls,
                                     [](const auto& entry) { return entry.first.starts_with("net.ipv6."); });
  return options;
}

// A caller without an IPv4 network of its own. A plain PPP peer says nothing of itself: the called end goes
// by what it accepts of it.
bool Site::peer_may_ask_for_address(const std::optional<session::Hello>& hello) const {
  if (hello) return hello->is_caller && !any_of_family(hello->offers, Family::kIpv4);
  return policy_.origin != config::PolicyOrigin::kCommandLine &&
         !any_of_family(policy_.accepts, Family::kIpv4);
}

// For a caller that has no network of its own: from the peer file, else a free address of the first network
// that we may lend from, from its upper end, where it is least likely to be somebody's.
std::optional<IpAddress> Site::assign_address(const HostFacts& facts,
                                              const config::JudgeContext& context) const {
  const std::uint32_t own_table = context.own_table;
  const auto is_free = [&](const IpAddress& address) {
    return !facts.owns(address) && !facts.is_taken(address, own_table) &&
           std::ranges::none_of(facts.neighbours, [&](const NeighbourFacts& neighbour) {
             return neighbour.address == address && neighbour.is_reachable;
           });
  };
  for (const IpAddress& address : policy_.assign) {
    if (address.is_v4() && is_free(address)) return address;
  }
  for (const Prefix& prefix : config::lendable_networks(policy_, facts, context.outer)) {
    const std::uint32_t broadcast = prefix.address().v4_host_order() | (0xffffffffU >> prefix.length());
    const std::uint32_t size = std::min(kAssignable, broadcast - prefix.address().v4_host_order() - 1);
    // Each session begins elsewhere: two callers may come before either has a route.
    for (std::uint32_t step = 0; step < size; ++step) {
      const IpAddress candidate = IpAddress::v4(broadcast - 1 - (own_table - kFirstTable + step) % size);
      if (is_free(candidate)) return candidate;
    }
  }
  return std::nullopt;
}

std::vector<std::string> Site::shortfalls(const session::Agreement& agreement) const {
  std::vector<std::string> sentences;
  if (!agreement.peer) return sentences;
  for (const session::Answer::Verdict& verdict : agreement.verdicts) {
    if (!verdict.accepted)
      sentences.push_back(verdict.prefix.to_string() + " is refused by the far end: " + verdict.reason);
  }
  const auto unserved = config::unserved_wants(policy_, agreement.peer->offers);
  sentences.insert(sentences.end(), unserved.begin(), unserved.end());
  return sentences;
}

std::vector<std::string> Site::refused_wants(const session::Agreement& agreement) const {
  std::vector<std::string> sentences;
  for (const Prefix& want : policy_.accepts) {
    const bool is_served = std::ranges::any_of(
        agreement.accepted, [&](const Prefix& accepted) { return want.contains(accepted); });
    if (is_served) continue;
    for (const session::Answer::Verdict& refusal : agreement.refusals) {
      if (want.contains(refusal.prefix))
        sentences.push_back(refusal.prefix.to_string() + " is refused: " + refusal.reason);
    }
  }
  return sentences;
}

std::vector<Lack> Site::lacks(const session::Agreement& agreement) const {
  std::vector<Lack> all{{config::ExitCode::kRefusedThere, shortfalls(agreement)},
                        {config::ExitCode::kRefusedHere, refused_wants(agreement)},
                        {config::ExitCode::kRefusedHere, own_faults()},
                        {config::ExitCode::kLinkFailed, missing_families(agreement)}};
  std::erase_if(all, [](const Lack& lack) { return lack.sentences.empty(); });
  return all;
}

std::string Site::address_remedy() const {
  if (policy_.origin == config::PolicyOrigin::kPeerFile)
    return fmt::format(
        "address = \"LOCAL:REMOTE\" in /etc/isthmus/peers/{}.toml would name an address for it, accept = "
        "[...] "
        "permit one of its own networks",
        policy_.name);
  return "--address LOCAL:REMOTE would name an address for it, --accept PREFIX permit one of its own "
         "networks";
}

RoutePlanInput Site::plan_input(const session::Agreement& agreement, const std::string& interface,
                                std::uint32_t slot, const OuterPath& outer) const {
  RoutePlanInput input;
  input.interface = interface;
  input.slot = slot;
  input.accepted = of_families_up(agreement, agreement.accepted);
  input.offered = of_families_up(agreement, agreement.offered);
  if (agreement.ipv4) input.local_ipv4 = agreement.ipv4->local;
  if (agreement.ipv4) input.remote_ipv4 = agreement.ipv4->remote;
  // Zero, which is no interface identifier (RFC 5072 section 4.1): in a plan, before one is agreed on.
  if (agreement.ipv6 && agreement.ipv6->local_interface_id != 0)
    input.local_interface_id = agreement.ipv6->local_interface_id;
  if (agreement.ipv6) input.local_ipv6 = chosen_.ipv6.local;
  if (agreement.ipv6) input.remote_ipv6 = chosen_.ipv6.remote;
  input.outer = outer.remote;
  input.outer_local = outer.local;
  input.proxy_arp = policy_.proxy_arp;
  input.masquerade = policy_.masquerade;
  input.guard = policy_.guard;
  if (!assigned_) return input;
  input.accepted.push_back(host_prefix(*assigned_));
  input.proxy_arp = true;
  return input;
}

Selector Site::selector(const session::Agreement& agreement, const std::string& interface,
                        const OuterPath& outer, const HostFacts& facts) {
  std::vector<Prefix> remote = agreement.accepted;
  std::vector<Prefix> local = agreement.offered;
  if (agreement.ipv4) remote.push_back(host_prefix(agreement.ipv4->remote));
  if (agreement.ipv4) local.push_back(host_prefix(agreement.ipv4->local));
  if (agreement.ipv6) remote.push_back(host_prefix(link_local(agreement.ipv6->remote_interface_id)));
  if (agreement.ipv6) local.push_back(host_prefix(link_local(agreement.ipv6->local_interface_id)));
  std::vector<Prefix> own =
      own_networks_within({agreement.accepted, agreement.offered, outer.remote, interface}, facts);
  for (const InterfaceFacts& mine : facts.interfaces) {
    for (const InterfaceFacts::Assigned& assigned : mine.addresses) {
      if (covers(agreement.accepted, assigned.address) && !covers(own, assigned.address))
        own.push_back(host_prefix(assigned.address));
    }
  }
  return {std::move(remote), std::move(local), std::move(own)};
}

session::Ready Site::ready(const session::Agreement& agreement, const HostFacts& facts) const {
  session::Ready ready;
  for (const Prefix& prefix : agreement.offered) {
    const std::optional<IpAddress> own = facts.address_within(prefix);
    if (own) add_once(ready.gateways, *own, session::kMaxTargets);
  }
  if (ready.gateways.empty() && agreement.ipv4) ready.gateways.push_back(agreement.ipv4->local);
  for (const IpAddress& host : policy_.hosts) {
    if (covers(agreement.offered, host)) add_once(ready.hosts, host, session::kMaxTargets);
  }
  for (const Prefix& prefix : agreement.offered) {
    std::size_t found = 0;
    for (const NeighbourFacts& neighbour : facts.neighbours) {
      const bool is_ours = neighbour.is_reachable && prefix.contains(neighbour.address) &&
                           facts.interface_towards(neighbour.address) != nullptr && !prefix.is_default();
      if (!is_ours || found == kHostsPerPrefix) continue;
      add_once(ready.hosts, neighbour.address, session::kMaxTargets);
      ++found;
    }
  }
  return ready;
}

std::vector<ProofTask> Site::proof_tasks(const session::Agreement& agreement, const session::Ready& theirs,
                                         const session::Ready& ours) const {
  std::vector<ProofTask> tasks;
  const int attempts = agreement.peer ? io::ProbeRequest{}.attempts : kAttemptsOfPlainPeer;
  std::vector<Prefix> reachable = agreement.accepted;
  if (agreement.ipv4) reachable.push_back(host_prefix(agreement.ipv4->remote));
  const auto add = [&](const IpAddress& target, bool is_host) {
    if (!covers(reachable, target)) return;  // a peer may not make us probe what it could not announce
    for (const IpAddress& source : ours.gateways) {
      if (source.family() == target.family()) tasks.push_back({source, target, is_host, true, attempts});
    }
  };
  // A plain peer always has a way back to the address that it agreed to; one without a return route has none
  // to the others. The two together tell a missing route from a dead link.
  const bool is_known =
      !agreement.ipv4 || std::ranges::find(ours.gateways, agreement.ipv4->local) != ours.gateways.end();
  if (!agreement.peer && !is_known)
    tasks.push_back({agreement.ipv4->local, agreement.ipv4->remote, false, true, attempts});
  for (const IpAddress& gateway : theirs.gateways) add(gateway, false);
  for (const IpAddress& host : theirs.hosts) add(host, true);
  for (const IpAddress& host : policy_.hosts) {
    if (std::ranges::find(theirs.hosts, host) == theirs.hosts.end()) add(host, true);
  }
  for (const IpAddress& host : ours.hosts) {
    const auto own = std::ranges::find_if(
        ours.gateways, [&](const IpAddress& gateway) { return gateway.family() == host.family(); });
    if (own != ours.gateways.end()) tasks.push_back({*own, host, true, false});
  }
  return tasks;
}

PathFacts Site::path_facts(const session::Agreement& agreement, const std::string& interface,
                           const HostFacts& facts) const {
  PathFacts path;
  path.tunnel_interface = interface;
  path.near = agreement.offered;
  path.far = agreement.accepted;
  path.proxy_arp = policy_.proxy_arp || assigned_;
  path.masquerade = policy_.masquerade;
  path.host = facts;
  return path;
}

bool Site::permits_remote(const IpAddress& address) const {
  return addresses_ && addresses_->permits_remote(address);
}

bool Site::permits_local(const IpAddress& address) const {
  return addresses_ && addresses_->permits_local(address);
}

}  // namespace isthmus::app
