#include "net/route_plan.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/check.h"
#include "net/own_networks.h"
#include "net/tunnel_filter.h"

namespace isthmus {
namespace {

constexpr std::uint32_t kMainTable = 254;
constexpr std::uint8_t kTcp = 6, kUdp = 17;
constexpr std::uint64_t kMaxProxied = 256;  // neighbour entries for one prefix
constexpr std::array kFamilies{Family::kIpv4, Family::kIpv6};

std::string conf_key(const char* family, std::string interface, const char* leaf) {
  std::ranges::replace(interface, '.', '/');
  return std::string{"net."} + family + ".conf." + interface + "." + leaf;
}

std::string sysctl_or(const HostFacts& facts, const std::string& key, const std::string& otherwise) {
  const auto found = facts.sysctls.find(key);
  return found == facts.sysctls.end() ? otherwise : found->second;
}

class Planner {
 public:
  Planner(const RoutePlanInput& input, const HostFacts& facts) : in_(input), facts_(facts) {
    remote_ = in_.accepted;
    for (const auto& address : {in_.remote_ipv4, in_.remote_ipv6}) add_remote_gateway(address);
    remote_ = without_repeats(remote_);
    own_ = own_networks_within({in_.accepted, in_.offered, in_.outer, in_.interface}, facts_);
    lans_ = offered_interfaces(in_.offered, facts_, in_.interface);
    outward_ = outward_interfaces(in_.outer, facts_, in_.interface);
    proxied_ = proxied();
  }

  // The rule into the table comes when everything it leads to is in place, and only after it this machine
  // begins to forward: in any other order, also of the undo, hosts behind us would for a moment be forwarded
  // past the tunnel, unencrypted.
  RoutePlan plan() {
    sysctls();
    addresses();
    outer_rules();
    table_routes();
    filter();
    table_rules();
    forwarding_ipv4();
    forwarding_ipv6();
    proxy_neighbours();
    tunnel_routes();
    warnings();
    return std::move(plan_);
  }

 private:
  static std::vector<Prefix> without_repeats(const std::vector<Prefix>& prefixes) {
    std::vector<Prefix> kept;
    for (const Prefix& prefix : prefixes)
      if (std::ranges::find(kept, prefix) == kept.end()) kept.push_back(prefix);
    return kept;
  }

  [[nodiscard]] bool is_outer(const IpAddress& address) const {
    return std::ranges::any_of(in_.outer, [&](const Endpoint& end) { return end.address == address; });
  }
  [[nodiscard]] bool is_remote(const IpAddress& address) const {
    return std::ranges::any_of(remote_, [&](const Prefix& prefix) { return prefix.contains(address); });
  }
  // Whether our datagrams would go into our own tunnel. The peer may move: they are told by their mark, not
  // by where they go.
  [[nodiscard]] bool would_swallow_datagrams(Family family) const {
    if (!in_.datagram_port) return false;
    const bool is_full = std::ranges::any_of(
        remote_, [&](const Prefix& prefix) { return prefix.family() == family && prefix.is_default(); });
    return is_full || std::ranges::any_of(in_.outer, [&](const Endpoint& end) {
             return end.address.family() == family && !end.address.is_loopback() && is_remote(end.address);
           });
  }
  [[nodiscard]] std::uint32_t mark() const { return kFirstDatagramMark + in_.slot; }
  [[nodiscard]] static bool holds_family(const std::vector<Prefix>& prefixes, Family family) {
    return std::ranges::any_of(prefixes, [&](const Prefix& prefix) { return prefix.family() == family; });
  }
  [[nodiscard]] std::uint32_t table() const { return kFirstTable + in_.slot; }
  void lasting(HostChange change) { plan_.lasting.push_back(std::move(change)); }
  void warn(std::string text) { plan_.warnings.push_back(std::move(text)); }

  // A gateway's address outside what it announces still gets a route, and so does a single caller's.
  void add_remote_gateway(const std::optional<IpAddress>& address) {
    if (!address || !address->is_unicast_host() || is_remote(*address)) return;
    if (is_outer(*address)) {
      warn("the peer's tunnel address " + address->to_string() +
           " is where ssh is connected to: it stays outside the tunnel");
      return;
    }
    remote_.push_back(Prefix::around(*address, address->bits()));
  }

  // ---- sysctls ----

  void set(const std::string& key, const std::string& value) { lasting(SysctlChange{key, value}); }

  void sysctls() {
    if (has_ipv6()) {
      // A peer can send router advertisements and redirects through a TUN as any neighbour could.
      set(conf_key("ipv6", in_.interface, "accept_ra"), "0");
      set(conf_key("ipv6", in_.interface, "accept_redirects"), "0");
    }
    set(conf_key("ipv4", in_.interface, "accept_redirects"), "0");
    reverse_path_filters();
  }

  [[nodiscard]] bool has_ipv6() const { return facts_.sysctls.contains("net.ipv6.conf.all.forwarding"); }

  void forwarding_ipv4() {
    std::set<std::string> names;
    if (holds_family(in_.offered, Family::kIpv4)) names = lans_;
    // The kernel answers ARP for others only on interfaces that forward.
    for (const ProxyNeighbourChange& neighbour : proxied_)
      if (neighbour.address.is_v4()) names.insert(neighbour.interface);
    if (names.empty()) return;
    set(conf_key("ipv4", in_.interface, "forwarding"), "1");
    for (const std::string& name : names) set(conf_key("ipv4", name, "forwarding"), "1");
  }

  // IPv6 forwards for all interfaces or none, and a forwarding interface ignores router advertisements (and
  // with them its own default route) unless accept_ra is 2.
  void forwarding_ipv6() {
    const bool proxies = std::ranges::any_of(proxied_, [](const auto& one) { return !one.address.is_v4(); });
    if (!has_ipv6() || (!holds_family(in_.offered, Family::kIpv6) && !proxies)) return;
    const bool forwards_already = sysctl_or(facts_, "net.ipv6.conf.all.forwarding", "0") != "0";
    for (const InterfaceFacts& interface : facts_.interfaces) {
      if (!interface.is_up || interface.is_loopback || interface.name == in_.interface) continue;
      const std::string key = conf_key("ipv6", interface.name, "accept_ra");
      const std::string value = sysctl_or(facts_, key, "0");
      // 2 may be another session's, to be held; 1 on a router is an administrator's wish to ignore them.
      if (value == "2" || (value == "1" && !forwards_already)) set(key, "2");
    }
    set("net.ipv6.conf.all.forwarding", "1");
  }

  // Strict filtering drops what answers come by another way than the request went: ICMP errors of routers on
  // the way, whose addresses need not lie in an accepted prefix; towards the outside, the same for the outer
  // connection when an accepted prefix covers it, and for the peer's datagrams, which need not be of ssh's
  // family.
  void reverse_path_filters() {
    loosen(in_.interface, false);
    const bool is_covered =
        std::ranges::any_of(in_.outer, [&](const Endpoint& end) { return is_remote(end.address); });
    if (!is_covered && !would_swallow_datagrams(Family::kIpv4)) return;
    for (const std::string& name : outward_) loosen(name, true);
  }

  void loosen(const std::string& interface, bool is_shared) {
    const std::string key = conf_key("ipv4", interface, "rp_filter");
    const std::string preset = sysctl_or(facts_, "net.ipv4.conf.default.rp_filter", "0");
    const std::string own = sysctl_or(facts_, key, preset);
    const std::string all = sysctl_or(facts_, "net.ipv4.conf.all.rp_filter", "0");
    // The kernel applies the larger of both.
    const bool is_strict = std::max(own, all) == "1";
    const bool may_be_held = is_shared && own == "2";
    if (is_strict || may_be_held) set(key, "2");
  }

  // ---- addresses, rules, routes ----

  void addresses() {
    if (in_.local_ipv4) {
      lasting(AddressChange{in_.interface, *in_.local_ipv4, 32, in_.remote_ipv4});
    }
    if (in_.local_interface_id) {
      lasting(AddressChange{in_.interface, link_local(*in_.local_interface_id), 64, std::nullopt});
    }
    // An IPv6 address that this machine has already serves on every interface.
    if (in_.local_ipv6 && !in_.local_ipv6->is_link_local() && !facts_.owns(*in_.local_ipv6))
      lasting(AddressChange{in_.interface, *in_.local_ipv6, 128, std::nullopt});
  }

  static IpAddress link_local(std::uint64_t interface_id) {
    std::array<std::uint8_t, 16> octets{0xfe, 0x80};
    for (std::size_t i = 0; i < 8; ++i)
      octets.at(8 + i) = static_cast<std::uint8_t>(interface_id >> (56 - 8 * i));
    return *IpAddress::from_octets(octets);
  }

  // Only where our own table would swallow it: the way to it may well lead through another session.
  void outer_rules() {
    for (const Endpoint& end : in_.outer) {
      if (end.address.is_loopback() || !is_remote(end.address)) continue;
      RuleChange rule{end.address.family(), kFirstOuterPriority + in_.slot, kMainTable, {}, {}, {}};
      rule.to = Prefix::around(end.address, end.address.bits());
      rule.ip_protocol = kTcp;
      if (end.port != 0) rule.destination_port = end.port;
      lasting(rule);
    }
    for (const Family family : kFamilies) {
      if (!would_swallow_datagrams(family)) continue;
      lasting(RuleChange{family, kFirstOuterPriority + in_.slot, kMainTable, {}, kUdp, {}, mark()});
    }
  }

  void table_routes() {
    for (const Prefix& own : own_) lasting(RouteChange{own, RouteKind::kThrow, "", {}, table(), 0});
    for (const Prefix& remote : remote_)
      lasting(RouteChange{remote, RouteKind::kUnreachable, "", {}, table(), kFallbackMetric});
  }

  void table_rules() {
    for (const Family family : kFamilies) {
      if (!holds_family(remote_, family)) continue;
      lasting(RuleChange{family, kFirstTunnelPriority + in_.slot, table(), {}, {}, {}});
    }
  }

  void tunnel_routes() {
    for (const Prefix& remote : remote_) {
      plan_.while_up.push_back(RouteChange{remote, RouteKind::kUnicast, in_.interface, source_for(remote),
                                           table(), kTunnelMetric});
    }
  }

  // Our own traffic comes from an address the far side has a way back to.
  [[nodiscard]] std::optional<IpAddress> source_for(const Prefix& remote) const {
    for (const Prefix& offered : in_.offered) {
      if (offered.family() != remote.family() || offered.is_default()) continue;
      if (const auto own = facts_.address_within(offered, in_.interface)) return own;
    }
    return remote.family() == Family::kIpv4 ? in_.local_ipv4 : in_.local_ipv6;
  }

  // ---- proxied neighbours ----

  [[nodiscard]] std::vector<ProxyNeighbourChange> proxied() {
    std::vector<ProxyNeighbourChange> neighbours;
    for (const Prefix& remote : remote_) {
      const InterfaceFacts* lan = lan_around(remote);
      // A single address of our LAN was assigned by us, or it would not have been accepted.
      const bool is_gateway = remote == host(in_.remote_ipv4) || remote == host(in_.remote_ipv6);
      if (lan == nullptr || (!in_.proxy_arp && !is_gateway)) continue;
      const int host_bits = remote.address().bits() - remote.length();
      if (host_bits > 8) {
        warn("proxy ARP for " + remote.to_string() + ": more than " + std::to_string(kMaxProxied) +
             " addresses; offer parts of it, or give the hosts of " + lan->name + " a route");
        continue;
      }
      add_proxied(remote, *lan, neighbours);
    }
    return neighbours;
  }

  static std::optional<Prefix> host(const std::optional<IpAddress>& address) {
    if (!address) return std::nullopt;
    return Prefix::around(*address, address->bits());
  }

  [[nodiscard]] const InterfaceFacts* lan_around(const Prefix& remote) const {
    for (const InterfaceFacts& interface : facts_.interfaces) {
      if (!interface.is_up || interface.is_loopback || interface.name == in_.interface) continue;
      const std::vector<Prefix> networks = connected_networks(interface);
      if (std::ranges::any_of(networks,
                              [&](const Prefix& own) { return own.contains(remote) && own != remote; }))
        return &interface;
    }
    return nullptr;
  }

  void add_proxied(const Prefix& remote, const InterfaceFacts& lan,
                   std::vector<ProxyNeighbourChange>& neighbours) const {
    const std::uint32_t count = 1U << (remote.address().bits() - remote.length());
    for (std::uint32_t i = 0; i < count; ++i) {
      Bytes octets(remote.address().octets().begin(), remote.address().octets().end());
      octets.back() = static_cast<std::uint8_t>(octets.back() + i);
      const IpAddress address = *IpAddress::from_octets(octets);
      if (!facts_.owns(address) && !is_edge(address, lan)) neighbours.push_back({lan.name, address});
    }
  }

  // The first and last address of an IPv4 network mean the network itself.
  static bool is_edge(const IpAddress& address, const InterfaceFacts& lan) {
    if (!address.is_v4()) return false;
    return std::ranges::any_of(connected_networks(lan), [&](const Prefix& own) {
      if (own.family() != Family::kIpv4 || !own.contains(address)) return false;
      const std::uint32_t hosts = own.length() == 0 ? ~0U : (1U << (32 - own.length())) - 1;
      const std::uint32_t host_part = address.v4_host_order() & hosts;
      return own.length() < 31 && (host_part == 0 || host_part == hosts);
    });
  }

  void proxy_neighbours() {
    std::set<std::string> soliciting;
    for (const ProxyNeighbourChange& neighbour : proxied_) {
      const bool is_first_v6 = !neighbour.address.is_v4() && soliciting.insert(neighbour.interface).second;
      if (is_first_v6) set(conf_key("ipv6", neighbour.interface, "proxy_ndp"), "1");
      lasting(neighbour);
    }
  }

  // ---- nftables ----

  void filter() {
    TunnelFilterInput filter;
    filter.interface = in_.interface;
    filter.remote = remote_;
    filter.exceptions = own_;
    filter.offered = in_.offered;
    for (const Endpoint& end : in_.outer)
      if (is_remote(end.address) && !end.address.is_loopback()) filter.outer.push_back(end);
    if (std::ranges::any_of(kFamilies, [&](Family family) { return would_swallow_datagrams(family); }))
      filter.datagrams = TunnelFilterInput::Datagrams{*in_.datagram_port, mark()};
    filter.guarded = guarded();
    if (in_.masquerade) {
      for (const std::string& lan : lans_)
        if (is_quotable_interface(lan)) filter.masquerade_interfaces.push_back(lan);
    }
    filter.guard = in_.guard;
    lasting(NftTableChange{"isthmus_" + std::to_string(table()), tunnel_filter_body(filter)});
  }

  // The address that ssh itself is connected to must stay reachable from outside.
  [[nodiscard]] std::vector<TunnelFilterInput::Guarded> guarded() const {
    std::vector<TunnelFilterInput::Guarded> all;
    for (const auto& address : {in_.local_ipv4, in_.local_ipv6}) {
      if (!address || address->is_link_local()) continue;
      if (std::ranges::find(in_.outer_local, *address) != in_.outer_local.end()) continue;
      all.push_back({*address, holders(*address)});
    }
    return all;
  }

  [[nodiscard]] std::vector<std::string> holders(const IpAddress& address) const {
    std::vector<std::string> names;
    for (const InterfaceFacts& interface : facts_.interfaces) {
      const bool holds =
          std::ranges::any_of(interface.addresses, [&](const auto& own) { return own.address == address; });
      if (holds && is_quotable_interface(interface.name)) names.push_back(interface.name);
    }
    return names;
  }

  // ---- warnings ----

  void warnings() {
    for (const Prefix& offered : in_.offered) {
      if (offered_interfaces({offered}, facts_, in_.interface).empty())
        warn("nothing on this machine leads to " + offered.to_string() + ", which it offers");
    }
    for (const Prefix& accepted : in_.accepted) {
      if (accepted.is_default())
        warn(accepted.to_string() +
             " is a full tunnel: only ssh and this machine's own networks stay outside");
    }
    for (const Prefix& own : own_) {
      if (!own.address().is_link_local() && !own.address().is_multicast() && own.length() < 32)
        warn(own.to_string() + " is ours and stays outside the tunnel");
    }
    if (in_.masquerade && lans_.empty()) warn("nothing to masquerade: no offered prefix has an interface");
  }

  const RoutePlanInput& in_;
  const HostFacts& facts_;
  std::vector<Prefix> remote_, own_;
  std::set<std::string> lans_, outward_;
  std::vector<ProxyNeighbourChange> proxied_;
  RoutePlan plan_;
};

}  // namespace

RoutePlan make_route_plan(const RoutePlanInput& input, const HostFacts& facts) {
  CHECK(input.slot < kMaxSlots);
  CHECK(is_quotable_interface(input.interface));
  return Planner{input, facts}.plan();
}

std::vector<std::string> sysctls_of_interest(const std::string& tunnel_interface, const HostFacts& facts) {
  std::set<std::string> names{tunnel_interface};
  for (const InterfaceFacts& interface : facts.interfaces)
    if (!interface.is_loopback) names.insert(interface.name);

  std::vector<std::string> keys = {"net.ipv4.conf.all.rp_filter", "net.ipv4.conf.default.rp_filter",
                                   "net.ipv6.conf.all.forwarding"};
  for (const std::string& name : names) {
    for (const char* leaf : {"forwarding", "rp_filter", "accept_redirects"})
      keys.push_back(conf_key("ipv4", name, leaf));
    for (const char* leaf : {"forwarding", "accept_ra", "accept_redirects", "proxy_ndp"})
      keys.push_back(conf_key("ipv6", name, leaf));
  }
  return keys;
}

}  // namespace isthmus
