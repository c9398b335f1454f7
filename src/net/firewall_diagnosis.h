// Would this machine's own firewall drop what we route, and which command permits it? An accept in a table of
// ours cannot override a drop in another, so it can only be said.
#pragma once

#include <string>
#include <vector>

#include "net/host_change.h"

namespace isthmus {

struct FirewallRule {
  enum class Verdict : std::uint8_t { kNone, kAccept, kDrop, kReject, kReturn, kJump, kGoto };
  // Matches one of these interfaces, or with is_negated none of them; empty matches any. A trailing '*'
  // stands for any rest.
  struct InterfaceMatch {
    std::vector<std::string> names;
    bool is_negated = false;
    friend bool operator==(const InterfaceMatch&, const InterfaceMatch&) = default;
  };
  InterfaceMatch input, output;
  // Matches something else too, that a new connection may or may not meet: addresses, ports, marks…
  bool is_conditional = false;
  Verdict verdict = Verdict::kNone;
  std::string target;  // of kJump and kGoto
  friend bool operator==(const FirewallRule&, const FirewallRule&) = default;
};

struct FirewallChain {
  std::string family;  // "ip", "ip6" or "inet"
  std::string table;
  std::string name;
  std::string hook;  // "forward"; empty if not a base chain
  int priority = 0;
  bool drops_by_policy = false;
  bool is_legacy = false;  // of iptables-legacy, which nft does not show
  std::vector<FirewallRule> rules;
  friend bool operator==(const FirewallChain&, const FirewallChain&) = default;
};

struct FirewallFacts {
  std::vector<FirewallChain> chains;
  bool has_unreadable_legacy = false;  // legacy tables exist, and nothing to read them with
  friend bool operator==(const FirewallFacts&, const FirewallFacts&) = default;
};

// What would be forwarded: new connections between the tunnel and these interfaces, both ways.
struct ForwardedTraffic {
  std::string tunnel;
  std::vector<std::string> lans;
  bool ipv4 = true;
  bool ipv6 = true;
};

// One sentence for each base chain that may drop such traffic, with the command that permits it. An accept of
// our interface ahead of the drop counts as permitted; rules with further conditions count neither way.
// Tables named isthmus_* are ours and left out.
std::vector<std::string> diagnose_firewall(const FirewallFacts& facts, const ForwardedTraffic& traffic);

}  // namespace isthmus
