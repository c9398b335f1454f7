#include "config/policy.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/guard.h"
#include "net/host_change.h"
#include "net/never_routed.h"
#include "net/own_networks.h"

namespace isthmus::config {
namespace {

constexpr std::uint32_t kMainTable = 254;

bool any_contains(const std::vector<Prefix>& prefixes, const Prefix& inner) {
  return std::ranges::any_of(prefixes, [&](const Prefix& outer) { return outer.contains(inner); });
}

bool is_written(const std::vector<Prefix>& prefixes, const Prefix& prefix) {
  return std::ranges::find(prefixes, prefix) != prefixes.end();
}

// The flag or line that would permit `prefix`.
std::string remedy(const PeerPolicy& policy, const Prefix& prefix) {
  switch (policy.origin) {
    case PolicyOrigin::kCommandLine:
      return "--accept " + prefix.to_string() + " permits it";
    case PolicyOrigin::kPeerFile:
      return fmt::format("accept = [\"{}\"] in /etc/isthmus/peers/{}.toml permits it", prefix.to_string(),
                         policy.name);
    case PolicyOrigin::kAdopted:
      return fmt::format("a file in /etc/isthmus/peers with accept = [\"{}\"] permits it",
                         prefix.to_string());
  }
  return "";
}

// Neither unicast destinations beyond a gateway nor anything a peer may claim.
bool is_never_routable(const Prefix& prefix) {
  return !prefix.is_default() && any_contains(never_routed(), prefix);
}

std::string why_never_routed(const Prefix& prefix) {
  if (guard<Guard::kNeverRouted>(!is_never_routable(prefix))) return "";
  return prefix.to_string() + " is never routed between networks";
}

std::string deny_line(const Prefix& prefix, const std::vector<Prefix>& denies) {
  const auto denied =
      std::ranges::find_if(denies, [&](const Prefix& candidate) { return candidate.overlaps(prefix); });
  if (guard<Guard::kDenied>(denied == denies.end())) return "";
  return fmt::format("deny = [\"{}\"] in /etc/isthmus/policy.toml forbids it", denied->to_string());
}

// Why a direct root login does not get the network it wants; empty if it does.
std::string reason_to_withhold(const Prefix& want, const SitePolicy& site) {
  std::string reason = deny_line(want, site.deny);
  return reason.empty() ? why_never_routed(want) : reason;
}

// One offer under judgement: each test returns why not, or nothing.
class Judge {
 public:
  Judge(const PeerPolicy& policy, const HostFacts& facts, const JudgeContext& context)
      : policy_(policy), facts_(facts), context_(context) {}

  [[nodiscard]] std::string reason_against(const Prefix& offer) const {
    using Test = std::string (Judge::*)(const Prefix&) const;
    for (const Test test :
         {&Judge::unroutable, &Judge::denied, &Judge::not_accepted, &Judge::our_address, &Judge::our_network,
          &Judge::our_route, &Judge::our_offer, &Judge::outer_endpoint, &Judge::other_session}) {
      std::string reason = (this->*test)(offer);
      if (!reason.empty()) return reason;
    }
    return "";
  }

 private:
  [[nodiscard]] std::string unroutable(const Prefix& offer) const { return why_never_routed(offer); }
  [[nodiscard]] std::string denied(const Prefix& offer) const { return deny_line(offer, policy_.denies); }

  // A default route, or half of one, counts only if it is written out as such.
  [[nodiscard]] std::string not_accepted(const Prefix& offer) const {
    const bool is_wide = offer.length() < 2;
    const bool accepted = guard<Guard::kAccepted>(any_contains(policy_.accepts, offer)) &&
                          guard<Guard::kDefaultRoute>(!is_wide || is_written(policy_.accepts, offer));
    return accepted ? "" : "not accepted here: " + remedy(policy_, offer);
  }

  [[nodiscard]] std::string our_address(const Prefix& offer) const {
    for (const InterfaceFacts& interface : facts_.interfaces)
      for (const auto& own : interface.addresses)
        if (!guard<Guard::kOurAddress>(offer != Prefix::around(own.address, own.address.bits())))
          return offer.address().to_string() + " is an address of this machine";
    return "";
  }

  // Our network itself never. A part of it only for proxy ARP, what covers it only if written out.
  [[nodiscard]] std::string our_network(const Prefix& offer) const {
    for (const InterfaceFacts& interface : facts_.interfaces) {
      if (interface.is_loopback) continue;
      for (const Prefix& own : connected_networks(interface)) {
        std::string reason = against_network(offer, own, interface);
        if (!reason.empty()) return reason;
      }
    }
    return "";
  }

  [[nodiscard]] std::string against_network(const Prefix& offer, const Prefix& own,
                                            const InterfaceFacts& interface) const {
    const std::string name = fmt::format("{} on {}", own.to_string(), interface.name);
    if (offer == own) return "it is our own network " + name + ": the two ends need different ones";
    if (own.contains(offer)) {
      if (!guard<Guard::kOurNetwork>(!holds_address_in(offer, interface)))
        return "it holds an address of ours on " + interface.name;
      if (!is_written(policy_.accepts, offer) || !policy_.proxy_arp)
        return fmt::format("it lies inside our own network {}: {} together with {}", name,
                           remedy(policy_, offer), proxy_remedy());
      return "";
    }
    const bool is_covered = offer.contains(own) && !is_written(policy_.accepts, offer);
    return is_covered ? fmt::format("it covers our own network {}: {}", name, remedy(policy_, offer)) : "";
  }

  [[nodiscard]] const char* proxy_remedy() const {
    return policy_.origin == PolicyOrigin::kCommandLine ? "--proxy-arp" : "proxy_arp = true";
  }

  static bool holds_address_in(const Prefix& offer, const InterfaceFacts& interface) {
    return std::ranges::any_of(interface.addresses,
                               [&](const auto& own) { return offer.contains(own.address); });
  }

  [[nodiscard]] std::string outer_endpoint(const Prefix& offer) const {
    for (const Endpoint& end : context_.outer) {
      if (guard<Guard::kOuterEndpoint>(!offer.contains(end.address))) continue;
      if (offer.is_host()) return offer.address().to_string() + " is where ssh itself is connected to";
      if (!is_written(policy_.accepts, offer))
        return fmt::format("it covers {}, where ssh itself is connected to: {}", end.address.to_string(),
                           remedy(policy_, offer));
    }
    return "";
  }

  // Networks behind another router of ours: no part of them either.
  [[nodiscard]] std::string our_route(const Prefix& offer) const {
    if (is_by_name(offer)) return "";
    for (const RouteFacts& route : own_routes(own_offers(), context_.outer, "", facts_)) {
      if (!guard<Guard::kOurRoute>(!route.destination.contains(offer)))
        return fmt::format("it lies inside {}, which is ours on {}: {}", route.destination.to_string(),
                           route.interface, remedy(policy_, offer));
    }
    return "";
  }

  // In an adopted request both sides are the caller's words: a part of what it wants may well be behind it.
  [[nodiscard]] std::string our_offer(const Prefix& offer) const {
    if (is_by_name(offer)) return "";
    for (const Prefix& own : own_offers()) {
      const bool clashes = policy_.origin == PolicyOrigin::kAdopted ? own == offer : own.overlaps(offer);
      if (!guard<Guard::kOurOffer>(!clashes))
        return fmt::format("it overlaps {}, which is offered here: {}", own.to_string(),
                           remedy(policy_, offer));
    }
    return "";
  }

  // An adopted request names everything itself, so that says nothing of what is ours.
  [[nodiscard]] bool is_by_name(const Prefix& offer) const {
    return policy_.origin != PolicyOrigin::kAdopted && is_written(policy_.accepts, offer);
  }

  // Without default routes and halves of them, which everybody's networks lie in.
  [[nodiscard]] std::vector<Prefix> own_offers() const {
    std::vector<Prefix> offers = policy_.offers;
    std::erase_if(offers, [](const Prefix& own) { return own.length() < 2; });
    return offers;
  }

  [[nodiscard]] std::string other_session(const Prefix& offer) const {
    for (const auto* routes : {&facts_.routes, &facts_.fallbacks}) {
      for (const RouteFacts& route : *routes) {
        const bool is_others = is_session_table(route.table) && route.table != context_.own_table;
        const bool clashes = is_others && route.destination.overlaps(offer);
        if (!guard<Guard::kOtherSession>(!clashes))
          return fmt::format("it clashes with {}, which another session has on {}",
                             route.destination.to_string(),
                             route.interface.empty() ? "a tunnel that is down" : route.interface);
      }
    }
    return "";
  }

  const PeerPolicy& policy_;
  const HostFacts& facts_;
  const JudgeContext& context_;
};

}  // namespace

PeerPolicy policy_from_options(const UpOptions& options) {
  PeerPolicy policy;
  policy.origin = PolicyOrigin::kCommandLine;
  policy.name = options.name;
  policy.offers = options.offers;
  policy.accepts = options.accepts;
  policy.ipv4 = options.ipv4;
  policy.ipv6 = options.ipv6;
  policy.hosts = options.hosts;
  policy.interface = options.interface;
  policy.mtu = options.mtu;
  policy.path = options.path;
  if (!options.ciphers.empty()) policy.ciphers = options.ciphers;
  policy.udp_port = options.udp_port;
  policy.soft_limits = options.soft_limits;
  policy.proxy_arp = options.proxy_arp;
  policy.masquerade = options.masquerade;
  policy.guard = options.guard;
  policy.hold = options.hold;
  return policy;
}

PeerPolicy adopt_request(const session::Hello& hello, const SitePolicy& site) {
  PeerPolicy policy;
  policy.origin = PolicyOrigin::kAdopted;
  policy.name = hello.name;
  policy.denies = site.deny;
  policy.hold = kDefaultAttachHold;
  policy.accepts = hello.offers;
  for (const Prefix& want : hello.wants) {
    if (reason_to_withhold(want, site).empty()) policy.offers.push_back(want);
  }
  return policy;
}

std::vector<std::string> forbidden_wants(const session::Hello& hello, const SitePolicy& site) {
  std::vector<std::string> sentences;
  for (const Prefix& want : hello.wants) {
    std::string reason = reason_to_withhold(want, site);
    if (!reason.empty()) sentences.push_back(fmt::format("{} is not offered: {}", want.to_string(), reason));
  }
  return sentences;
}

std::vector<Prefix> Judgement::accepted() const {
  std::vector<Prefix> prefixes;
  for (const auto& verdict : verdicts)
    if (verdict.accepted && !is_written(prefixes, verdict.prefix)) prefixes.push_back(verdict.prefix);
  return prefixes;
}

bool Judgement::refused_any() const {
  return std::ranges::any_of(verdicts, [](const auto& verdict) { return !verdict.accepted; });
}

Judgement judge_offers(const std::vector<Prefix>& offers, const PeerPolicy& policy, const HostFacts& facts,
                       const JudgeContext& context) {
  const Judge judge{policy, facts, context};
  Judgement judgement;
  for (const Prefix& offer : offers) {
    std::string reason = judge.reason_against(offer);
    const bool is_accepted = reason.empty();
    judgement.verdicts.push_back({offer, is_accepted, std::move(reason)});
  }
  return judgement;
}

std::vector<std::string> unserved_wants(const PeerPolicy& policy, const std::vector<Prefix>& peer_offers) {
  std::vector<std::string> sentences;
  for (const Prefix& want : policy.accepts) {
    // An accepted supernet is permission; any part of it that is offered serves it.
    const bool is_served =
        std::ranges::any_of(peer_offers, [&](const Prefix& offer) { return want.contains(offer); });
    if (is_served) continue;
    sentences.push_back(fmt::format("the far side does not offer {}: offer = [\"{}\"] in its peer file would",
                                    want.to_string(), want.to_string()));
  }
  return sentences;
}

TunnelAddresses choose_addresses(const PeerPolicy& policy, const HostFacts& facts) {
  TunnelAddresses chosen{policy.ipv4, policy.ipv6};
  for (const Prefix& offered : policy.offers) {
    std::optional<IpAddress>& local =
        offered.family() == Family::kIpv4 ? chosen.ipv4.local : chosen.ipv6.local;
    if (!local && !offered.is_default()) local = facts.address_within(offered);
  }
  if (chosen.ipv4.local || policy.offers.empty()) return chosen;

  // Only a default route is offered, or networks behind another router: any address of ours the peer has a
  // way back to, the one on the way there.
  for (const RouteFacts& route : facts.routes) {
    if (route.table != kMainTable || route.destination != Prefix{}) continue;
    for (const InterfaceFacts& interface : facts.interfaces)
      for (const auto& own : interface.addresses)
        if (interface.name == route.interface && own.address.is_v4() && !chosen.ipv4.local)
          chosen.ipv4.local = own.address;
  }
  return chosen;
}

}  // namespace isthmus::config
