#include "net/path_diagnosis.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "net/own_networks.h"

namespace isthmus {
namespace {

std::string conf_key(Family family, std::string interface, const char* leaf) {
  std::ranges::replace(interface, '.', '/');
  return fmt::format("net.{}.conf.{}.{}", family == Family::kIpv4 ? "ipv4" : "ipv6", interface, leaf);
}

bool holds_family(const std::vector<Prefix>& prefixes, Family family) {
  return std::ranges::any_of(prefixes, [&](const Prefix& prefix) { return prefix.family() == family; });
}

class Diagnosis {
 public:
  explicit Diagnosis(const PathFacts& facts)
      : facts_(facts), lans_(offered_interfaces(facts.near, facts.host, facts.tunnel_interface)) {}

  std::vector<std::string> remedies() {
    offers();
    clashes();
    forwarding();
    reverse_path_filters();
    firewall();
    gateways();
    for (const NearHost& host : facts_.near_hosts) near_host(host);
    for (const FarHost& host : facts_.far_hosts) far_host(host);
    return std::move(remedies_);
  }

 private:
  template <typename... Values>
  void say(fmt::format_string<Values...> text, Values&&... values) {
    remedies_.push_back(fmt::format(text, std::forward<Values>(values)...));
  }

  [[nodiscard]] std::optional<std::string> sysctl(const std::string& key) const {
    const auto found = facts_.host.sysctls.find(key);
    if (found == facts_.host.sysctls.end()) return std::nullopt;
    return found->second;
  }

  // ---- configuration that cannot work ----

  void offers() {
    for (const Prefix& near : facts_.near) {
      if (!offered_interfaces({near}, facts_.host, facts_.tunnel_interface).empty()) continue;
      say("{0} is offered, but no interface and no route of this machine leads there: add the route (ip "
          "route add "
          "{0} via ROUTER) or leave it out of --offer",
          near.to_string());
    }
  }

  void clashes() {
    for (const InterfaceFacts& interface : facts_.host.interfaces) {
      if (interface.is_loopback || interface.name == facts_.tunnel_interface) continue;
      for (const Prefix& own : connected_networks(interface)) {
        for (const Prefix& far : facts_.far) clash(own, far, interface.name);
      }
    }
  }

  void clash(const Prefix& own, const Prefix& far, const std::string& interface) {
    if (own == far) {
      say("{} is the network of {} here and of the far side too: hosts cannot tell them apart. Renumber one "
          "of "
          "them, or accept and offer only parts that do not overlap",
          own.to_string(), interface);
      return;
    }
    if (!own.contains(far) || far.is_host() || facts_.proxy_arp) return;
    say("the far {} lies inside {}, the network of {} here: hosts there look for it on the wire. Start with "
        "--proxy-arp",
        far.to_string(), own.to_string(), interface);
  }

  void forwarding() {
    if (holds_family(facts_.near, Family::kIpv4)) {
      std::set<std::string> names = lans_;
      if (!names.empty()) names.insert(facts_.tunnel_interface);
      for (const std::string& name : names) demand_forwarding(conf_key(Family::kIpv4, name, "forwarding"));
    }
    // IPv6 forwards between all interfaces or none.
    if (holds_family(facts_.near, Family::kIpv6)) demand_forwarding("net.ipv6.conf.all.forwarding");
  }

  void demand_forwarding(const std::string& key) {
    if (sysctl(key) != "0") return;
    say("forwarding is off: sysctl -w {}=1", key);
    forwards_ = false;
  }

  // The kernel takes the larger of `all` and the interface's: 1 is strict, 2 loose.
  void reverse_path_filters() {
    loosen(facts_.tunnel_interface);
    if (!is_in_doubt()) return;
    for (const std::string& lan : lans_) loosen(lan);
  }

  void loosen(const std::string& interface) {
    const std::string key = conf_key(Family::kIpv4, interface, "rp_filter");
    const std::string own = sysctl(key).value_or("0");
    const std::string all = sysctl(conf_key(Family::kIpv4, "all", "rp_filter")).value_or("0");
    if (std::max(own, all) != "1") return;
    say("strict reverse path filtering on {} may drop what comes another way than it would go: sysctl -w "
        "{}=2",
        interface, key);
  }

  // ---- what probes have shown ----

  [[nodiscard]] bool is_in_doubt() const {
    const auto is_answered = [](const NearHost& host) { return host.answers_peer == true; };
    return std::ranges::none_of(facts_.near_hosts, is_answered);
  }

  void firewall() {
    if (!is_in_doubt() || lans_.empty()) return;
    ForwardedTraffic traffic;
    traffic.tunnel = facts_.tunnel_interface;
    traffic.lans.assign(lans_.begin(), lans_.end());
    traffic.ipv4 = holds_family(facts_.near, Family::kIpv4);
    traffic.ipv6 = holds_family(facts_.near, Family::kIpv6);
    for (std::string& remedy : diagnose_firewall(facts_.firewall, traffic))
      remedies_.push_back(std::move(remedy));
  }

  void gateways() {
    const bool theirs_silent = facts_.far_gateway_answers_us == false;
    const bool ours_silent = facts_.we_answer_far_gateway == false;
    if (theirs_silent && ours_silent) {
      say("nothing crosses {} between the gateways, though the link is up: a firewall on either may drop all "
          "of it; "
          "see: nft list ruleset",
          facts_.tunnel_interface);
    } else if (theirs_silent && facts_.known_to_far_gateway) {
      const IpAddress& known = *facts_.known_to_far_gateway;
      say("the far gateway answers {}, but not our network: it has no route back through the tunnel. On it "
          "run: {}",
          known.to_string(), return_routes(facts_.near, known, known));
    } else if (ours_silent) {
      say("this gateway does not answer the far one's echo requests: its firewall may drop them; see the "
          "input "
          "chains of: nft list ruleset");
    } else if (theirs_silent) {
      say("the far gateway does not answer our echo requests, though we answer its: its firewall may drop "
          "them; "
          "there, see the input chains of: nft list ruleset");
    }
  }

  void near_host(const NearHost& host) {
    const std::string name = host.address.to_string();
    if (host.answers_us == false && host.answers_peer != true) {
      say("host {0} does not answer its own gateway either: is it up, and does it answer echo requests? Try "
          "here: "
          "ping {0}",
          name);
      return;
    }
    // Where nothing is forwarded, the host was never asked.
    if (host.answers_peer != false || !forwards_) return;
    if (facts_.masquerade) {
      say("host {} answers this gateway, but nothing that was forwarded to it, though it is masqueraded: see "
          "what "
          "this machine's firewall drops: nft list ruleset",
          name);
      return;
    }
    const auto own = own_address_towards(host.address);
    say("host {} answers its gateway, but has no route back to the far side: on it run: {}   or start with "
        "--masquerade",
        name, return_routes(facts_.far, host.address, own));
  }

  void far_host(const FarHost& host) {
    if (host.answers_us) return;
    const std::string name = host.address.to_string();
    if (host.answers_its_gateway == false) {
      say("host {} on the far side does not answer its own gateway either: is it up, and does it answer echo "
          "requests?",
          name);
      return;
    }
    if (!host.answers_its_gateway) {
      say("host {0} on the far side does not answer: is it up, and does it answer echo requests? Try there: "
          "ping {0}",
          name);
      return;
    }
    say("host {} on the far side answers its gateway, but not us: the far gateway does not forward, or the "
        "host has "
        "no route back: on it run: {}   or start the far gateway with --masquerade",
        name, return_routes(near_or_ours(host.address), host.address, host.gateway));
  }

  [[nodiscard]] std::vector<Prefix> near_or_ours(const IpAddress& host) const {
    if (holds_family(facts_.near, host.family())) return facts_.near;
    for (const InterfaceFacts& interface : facts_.host.interfaces) {
      if (interface.name != facts_.tunnel_interface) continue;
      for (const auto& own : interface.addresses) {
        if (own.address.family() == host.family()) return {Prefix::around(own.address, own.address.bits())};
      }
    }
    return {};
  }

  [[nodiscard]] std::optional<IpAddress> own_address_towards(const IpAddress& host) const {
    const InterfaceFacts* lan = facts_.host.interface_towards(host);
    if (lan == nullptr) return std::nullopt;
    for (const auto& own : lan->addresses) {
      if (Prefix::around(own.address, own.prefix_length).contains(host)) return own.address;
    }
    return std::nullopt;
  }

  // The commands that give `host` its way back to `destinations`.
  static std::string return_routes(const std::vector<Prefix>& destinations, const IpAddress& host,
                                   const std::optional<IpAddress>& gateway) {
    constexpr std::size_t kMaxCommands = 4;
    const std::string via = gateway ? gateway->to_string() : "ITS-GATEWAY";
    std::vector<std::string> commands;
    for (const Prefix& destination : destinations) {
      if (destination.family() != host.family() || commands.size() == kMaxCommands) continue;
      // A default route is there already, and leads elsewhere.
      const std::string_view verb = destination.is_default() ? "replace" : "add";
      commands.push_back(fmt::format("ip {}route {} {} via {}", host.is_v4() ? "" : "-6 ", verb,
                                     destination.is_default() ? "default" : destination.to_string(), via));
    }
    return fmt::format("{}", fmt::join(commands, " && "));
  }

  const PathFacts& facts_;
  std::set<std::string> lans_;
  bool forwards_ = true;
  std::vector<std::string> remedies_;
};

}  // namespace

std::vector<std::string> diagnose_path(const PathFacts& facts) {
  return Diagnosis{facts}.remedies();
}

}  // namespace isthmus
