// Would this machine's own firewall drop what we route, and which command permits it? An accept in a table of
// ours cannot override a drop in another, so it can only be said.
#pragma once

#include <string>
#include <vector>

#include "net/host_change.h"

namespace isthmus {

struct FirewallRule {
  enum class Verdict : std::uint8_t { kNone, kAccept, kDrop, kReject, kReturn, kJump, kGoto };
  // Interface matches; empty matches any, a trailing '*' any rest.
  std::string input_interface, output_interface;
  bool input_is_negated = false, output_is_negated = false;
  bool is_conditional = false;  // matches something beside interfaces: addresses, ports, state…
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

// One sentence a chain that may drop new connections between `tunnel` and one of `lans`, with the command
// that permits them. An accept of our interface ahead of the drop counts as permitted; rules with further
// conditions count neither way. Tables named isthmus_* are ours and left out.
std::vector<std::string> diagnose_firewall(const FirewallFacts& facts, const std::string& tunnel,
                                           const std::vector<std::string>& lans);

}  // namespace isthmus
