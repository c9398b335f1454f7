#include "net/tunnel_filter.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "net/never_routed.h"
#include "net/own_networks.h"

namespace isthmus {
namespace {

constexpr std::array kFamilies{Family::kIpv4, Family::kIpv6};
// Kernel's ARPHRD_NONE: interfaces without a link layer, such as our other tunnels with the same address.
constexpr int kNoLinkLayer = 65534;

const char* word_of(Family family) {
  return family == Family::kIpv4 ? "ip" : "ip6";
}

// "{ 10.0.0.0/8, 192.0.2.0/24 }" of one family, or empty if there is none.
std::string set_of(const std::vector<Prefix>& prefixes, Family family) {
  std::vector<std::string> texts;
  for (const Prefix& prefix : without_contained(prefixes))
    if (prefix.family() == family) texts.push_back(prefix.to_string());
  return texts.empty() ? "" : fmt::format("{{ {} }}", fmt::join(texts, ", "));
}

std::string quoted_set(const std::vector<std::string>& names) {
  std::vector<std::string> quoted;
  for (const std::string& name : names) quoted.push_back('"' + name + '"');
  return fmt::format("{{ {} }}", fmt::join(quoted, ", "));
}

class Writer {
 public:
  explicit Writer(const TunnelFilterInput& input) : in_(input) {
    for (const Prefix& remote : in_.remote) {
      const bool is_inside = std::ranges::any_of(
          in_.exceptions, [&](const Prefix& exception) { return exception.contains(remote); });
      if (is_inside) carved_out_.push_back(remote);
    }
  }

  std::string body() {
    if (filters_peer()) from_tunnel();
    prerouting();
    forward();
    if (in_.guard) postrouting();
    if (!in_.masquerade_interfaces.empty()) masquerade();
    return std::move(text_);
  }

 private:
  // A plain PPP peer that agreed on no prefixes is not filtered: its routes are somebody else's.
  [[nodiscard]] bool filters_peer() const { return !in_.remote.empty() || !in_.offered.empty(); }

  void line(const std::string& rule) { text_ += "  " + rule + "\n"; }
  void chain(const std::string& name, const std::string& hook) {
    text_ += "chain " + name + " {\n";
    if (!hook.empty()) line(hook + "; policy accept;");
  }
  void end() { text_ += "}\n"; }

  // "ip saddr { … } accept" for each family that has such prefixes.
  void match(const char* field, const std::vector<Prefix>& prefixes, const char* verdict) {
    for (const Family family : kFamilies) {
      const std::string set = set_of(prefixes, family);
      if (!set.empty()) line(fmt::format("{} {} {} {}", word_of(family), field, set, verdict));
    }
  }
  void outer(const char* address, const char* port) {
    for (const Endpoint& endpoint : in_.outer) {
      const std::string which =
          endpoint.port == 0 ? "meta l4proto tcp" : fmt::format("tcp {} {}", port, endpoint.port);
      line(fmt::format("{} {} {} {} accept", word_of(endpoint.address.family()), address,
                       endpoint.address.to_string(), which));
    }
  }
  void icmp_errors(const char* condition) {
    line(fmt::format("icmp type {{ destination-unreachable, time-exceeded, parameter-problem }} {}accept",
                     condition));
    line(
        fmt::format("icmpv6 type {{ destination-unreachable, packet-too-big, time-exceeded, "
                    "parameter-problem }} {}accept",
                    condition));
  }

  // Neighbours and routers of the links outside may have addresses that a default route of ours covers.
  void neighbour_discovery() {
    line(
        "icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } "
        "ip6 hoplimit 255 accept");
  }

  // Inner sources lie in what the peer may announce, and never in what is ours or nobody's.
  void from_tunnel() {
    chain("from_tunnel", "");
    line("fib saddr type local counter drop");
    // The tunnel's own: the kernel carries them no further than this machine.
    line("ip6 saddr fe80::/10 accept");
    match("saddr", carved_out_, "accept");
    match("saddr", in_.exceptions, "counter drop");
    match("saddr", never_routed_within(in_.remote), "counter drop");
    match("saddr", in_.remote, "accept");
    icmp_errors("");
    line("counter drop");
    end();
  }

  void prerouting() {
    chain("prerouting", "type filter hook prerouting priority -150");
    line("iifname \"lo\" accept");
    line(fmt::format("iifname \"{}\" {}", in_.interface, filters_peer() ? "goto from_tunnel" : "accept"));
    if (in_.guard) {
      outer("saddr", "sport");
      if (in_.datagrams) line(fmt::format("udp dport {} fib daddr type local accept", in_.datagrams->port));
      guarded_addresses();
      match("saddr", carved_out_, "counter drop");
      match("saddr", in_.exceptions, "accept");
      // Path MTU discovery of the outer connection; the kernel checks what such a message quotes.
      icmp_errors("fib daddr type local ");
      neighbour_discovery();
      match("saddr", in_.remote, "counter drop");
    }
    end();
  }

  void guarded_addresses() {
    for (const TunnelFilterInput::Guarded& guarded : in_.guarded) {
      std::string rule =
          fmt::format("{} daddr {} ", word_of(guarded.address.family()), guarded.address.to_string());
      if (!guarded.holders.empty()) rule += "iifname != " + quoted_set(guarded.holders) + " ";
      line(rule + fmt::format("meta iiftype != {} counter drop", kNoLinkLayer));
    }
  }

  void forward() {
    chain("forward", "type filter hook forward priority -150");
    // The kernel's `rt mtu` is the smaller of both directions' routes, and never raises the option.
    for (const char* side : {"oifname", "iifname"})
      line(fmt::format("{} \"{}\" tcp flags syn tcp option maxseg size set rt mtu", side, in_.interface));
    if (filters_peer()) {
      line(fmt::format("iifname != \"{}\" accept", in_.interface));
      match("daddr", never_routed_within(in_.offered), "counter drop");
      match("daddr", in_.offered, "accept");
      line("counter drop");
    }
    end();
  }

  // Behind every rerouting, for forwarded and own packets alike.
  void postrouting() {
    chain("postrouting", "type filter hook postrouting priority 50");
    line(fmt::format("oifname {{ \"lo\", \"{}\" }} accept", in_.interface));
    outer("daddr", "dport");
    if (in_.datagrams)
      line(fmt::format("meta mark {:#x} udp sport {} accept", in_.datagrams->mark, in_.datagrams->port));
    neighbour_discovery();
    match("daddr", carved_out_, "counter drop");
    match("daddr", in_.exceptions, "accept");
    match("daddr", in_.remote, "counter drop");
    end();
  }

  void masquerade() {
    chain("masquerade_peer", "type nat hook postrouting priority 100");
    for (const Family family : kFamilies) {
      const std::string set = set_of(in_.remote, family);
      if (set.empty()) continue;
      line(fmt::format("{} saddr {} oifname {} masquerade", word_of(family), set,
                       quoted_set(in_.masquerade_interfaces)));
    }
    end();
  }

  const TunnelFilterInput& in_;
  std::vector<Prefix> carved_out_;  // remote even inside an exception: a proxied range of our LAN
  std::string text_;
};

}  // namespace

std::string tunnel_filter_body(const TunnelFilterInput& input) {
  return Writer{input}.body();
}

bool is_quotable_interface(const std::string& name) {
  return !name.empty() && name.size() <= 15 && std::ranges::none_of(name, [](char c) {
    return c == '"' || c == '\\' || c == '*' || static_cast<unsigned char>(c) <= ' ' || c == '\x7f';
  });
}

}  // namespace isthmus
