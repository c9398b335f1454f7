// Reads the machine's own packet filters, for net/firewall_diagnosis.h to judge. Changes nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/firewall_diagnosis.h"

namespace isthmus::io {

// What the programs print that list them, not yet understood.
struct FirewallListing {
  std::string nft;                  // of `nft -j list ruleset`
  std::vector<std::string> legacy;  // of iptables-legacy-save and ip6tables-legacy-save; empty without tables
  bool has_unreadable_legacy = false;
};
// What nft and, where its tables exist, legacy iptables hold. kUnsupported if nft is not installed.
Result<FirewallListing> read_firewall_listing();
Result<FirewallFacts> parse_firewall_listing(const FirewallListing& listing);

// The text of `nft -j list ruleset`; what it does not know of rules becomes `is_conditional`.
Result<FirewallFacts> parse_nft_ruleset(std::string_view json);
// The text of `iptables-legacy-save`, of `family` "ip" or "ip6".
FirewallFacts parse_iptables_save(std::string_view text, std::string_view family);

}  // namespace isthmus::io
