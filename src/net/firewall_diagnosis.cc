#include "net/firewall_diagnosis.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>

namespace isthmus {
namespace {

using Verdict = FirewallRule::Verdict;

struct Packet {
  std::string_view input, output;
};

bool is_named(std::string_view interface, std::string_view pattern) {
  if (!pattern.ends_with('*')) return interface == pattern;
  return interface.starts_with(pattern.substr(0, pattern.size() - 1));
}

bool matches(const FirewallRule::InterfaceMatch& match, std::string_view interface) {
  if (match.names.empty()) return true;
  const auto names_it = [&](const std::string& pattern) { return is_named(interface, pattern); };
  return std::ranges::any_of(match.names, names_it) != match.is_negated;
}

// Follows one packet through a base chain and the chains it jumps to.
class Walk {
 public:
  Walk(const FirewallFacts& facts, const FirewallChain& base, Packet packet)
      : facts_(facts), base_(base), packet_(packet) {}

  // Where the packet is dropped: "chain X" or "the policy of chain X"; nullopt if it passes.
  std::optional<std::string> place_of_drop() {
    const Fate fate = follow(base_, 0);
    if (fate == Fate::kPassed || fate == Fate::kUnknown) return std::nullopt;
    if (fate == Fate::kDropped) return "chain " + place_;
    if (base_.drops_by_policy) return "the policy of chain " + base_.name;
    return std::nullopt;
  }

 private:
  enum class Fate : std::uint8_t { kReachedEnd, kPassed, kDropped, kUnknown };
  static constexpr int kMaxDepth = 16;  // the kernel's own limit on jumps
  static constexpr int kMaxRules = 10000;

  Fate follow(const FirewallChain& chain, int depth) {
    if (depth > kMaxDepth) return Fate::kUnknown;
    for (const FirewallRule& rule : chain.rules) {
      if (++rules_seen_ > kMaxRules) return Fate::kUnknown;
      if (rule.is_conditional || !matches(rule.input, packet_.input) || !matches(rule.output, packet_.output))
        continue;
      if (rule.verdict == Verdict::kReturn) return Fate::kReachedEnd;
      const Fate fate = fate_by(rule, chain, depth);
      if (fate != Fate::kReachedEnd || rule.verdict == Verdict::kGoto) return fate;
    }
    return Fate::kReachedEnd;
  }

  Fate fate_by(const FirewallRule& rule, const FirewallChain& chain, int depth) {
    switch (rule.verdict) {
      case Verdict::kAccept:
        return Fate::kPassed;
      case Verdict::kDrop:
      case Verdict::kReject:
        place_ = chain.name;
        return Fate::kDropped;
      case Verdict::kJump:
      case Verdict::kGoto: {
        const FirewallChain* target = find(rule.target);
        return target == nullptr ? Fate::kUnknown : follow(*target, depth + 1);
      }
      case Verdict::kNone:
      case Verdict::kReturn:
        return Fate::kReachedEnd;
    }
    return Fate::kUnknown;
  }

  [[nodiscard]] const FirewallChain* find(std::string_view name) const {
    const auto is_it = [&](const FirewallChain& chain) {
      return chain.name == name && chain.table == base_.table && chain.family == base_.family &&
             chain.is_legacy == base_.is_legacy;
    };
    const auto found = std::ranges::find_if(facts_.chains, is_it);
    return found == facts_.chains.end() ? nullptr : &*found;
  }

  const FirewallFacts& facts_;
  const FirewallChain& base_;
  Packet packet_;
  std::string place_;
  int rules_seen_ = 0;
};

bool is_relevant(const FirewallChain& chain, const ForwardedTraffic& traffic) {
  if (chain.hook != "forward" || chain.table.starts_with("isthmus_")) return false;
  if (chain.family == "inet") return true;
  return (chain.family == "ip" && traffic.ipv4) || (chain.family == "ip6" && traffic.ipv6);
}

// What a base chain does with the traffic, over all LAN interfaces.
struct Finding {
  bool drops_arriving = false;  // from the tunnel
  bool drops_leaving = false;   // into the tunnel
  std::string place;            // of the first drop
};

Finding examine(const FirewallFacts& facts, const FirewallChain& chain, const ForwardedTraffic& traffic) {
  Finding finding;
  for (const std::string& lan : traffic.lans) {
    const auto arriving = Walk{facts, chain, {traffic.tunnel, lan}}.place_of_drop();
    const auto leaving = Walk{facts, chain, {lan, traffic.tunnel}}.place_of_drop();
    finding.drops_arriving |= arriving.has_value();
    finding.drops_leaving |= leaving.has_value();
    if (finding.place.empty()) finding.place = arriving ? *arriving : leaving.value_or("");
  }
  return finding;
}

bool has_chain(const FirewallFacts& facts, const FirewallChain& beside, std::string_view prefix) {
  return std::ranges::any_of(facts.chains, [&](const FirewallChain& chain) {
    return chain.table == beside.table && chain.family == beside.family &&
           chain.is_legacy == beside.is_legacy && chain.name.starts_with(prefix);
  });
}

// `arriving` and `leaving`, as far as the finding calls for them.
std::string commands(const Finding& finding, const std::string& arriving, const std::string& leaving) {
  if (!finding.drops_leaving) return arriving;
  if (!finding.drops_arriving) return leaving;
  return arriving + "; " + leaving;
}

std::string iptables_of(const FirewallChain& chain) {
  return fmt::format("{}{}", chain.family == "ip6" ? "ip6tables" : "iptables",
                     chain.is_legacy ? "-legacy" : "");
}

struct Remedy {
  std::string_view owner;  // " (Docker)", or empty
  std::string command;
};

Remedy by_iptables(const FirewallChain& base, const Finding& finding, std::string_view owner,
                   std::string_view chain, const std::string& tunnel) {
  const std::string start = fmt::format("{} -I {}", iptables_of(base), chain);
  return {owner, commands(finding, fmt::format("{} -i {} -j ACCEPT", start, tunnel),
                          fmt::format("{} -o {} -j ACCEPT", start, tunnel))};
}

Remedy remedy_for(const FirewallFacts& facts, const FirewallChain& base, const Finding& finding,
                  const std::string& tunnel) {
  const bool is_iptables = base.name == "FORWARD" && base.table == "filter" && base.family != "inet";
  if (is_iptables && has_chain(facts, base, "DOCKER-USER"))
    return by_iptables(base, finding, " (Docker)", "DOCKER-USER", tunnel);
  if (is_iptables && (has_chain(facts, base, "ufw-") || has_chain(facts, base, "ufw6-"))) {
    return {" (ufw)",
            commands(finding, "ufw route allow in on " + tunnel, "ufw route allow out on " + tunnel)};
  }
  if (base.table == "firewalld")
    return {" (firewalld)", fmt::format("firewall-cmd --zone=trusted --add-interface={}", tunnel)};
  if (is_iptables || base.is_legacy) return by_iptables(base, finding, "", base.name, tunnel);
  const std::string start = fmt::format("nft insert rule {} {} {}", base.family, base.table, base.name);
  return {"", commands(finding, fmt::format("{} iifname {} accept", start, tunnel),
                       fmt::format("{} oifname {} accept", start, tunnel))};
}

std::string direction_of(const Finding& finding, const std::string& tunnel) {
  if (!finding.drops_leaving) return "what comes out of " + tunnel;
  if (!finding.drops_arriving) return "what goes into " + tunnel;
  return fmt::format("what goes into and comes out of {}", tunnel);
}

}  // namespace

std::vector<std::string> diagnose_firewall(const FirewallFacts& facts, const ForwardedTraffic& traffic) {
  std::vector<std::string> remedies;
  for (const FirewallChain& chain : facts.chains) {
    if (!is_relevant(chain, traffic)) continue;
    const Finding finding = examine(facts, chain, traffic);
    if (!finding.drops_arriving && !finding.drops_leaving) continue;
    const Remedy remedy = remedy_for(facts, chain, finding, traffic.tunnel);
    remedies.push_back(fmt::format("the firewall{} may drop {} (table {} {}, {}); to permit it: {}",
                                   remedy.owner, direction_of(finding, traffic.tunnel), chain.family,
                                   chain.table, finding.place, remedy.command));
  }
  if (facts.has_unreadable_legacy) {
    remedies.push_back(
        "this machine has rules of legacy iptables and no iptables-legacy-save to read them with; "
        "see what they do by: apt install iptables && iptables-legacy -L FORWARD -v -n");
  }
  return remedies;
}

}  // namespace isthmus
