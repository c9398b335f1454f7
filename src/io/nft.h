// Our own nftables tables, by the system's nft in one transaction each.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "net/host_change.h"

namespace isthmus::io {

class Nft {
 public:
  // Replaces our table of that name, or makes it; all or nothing. Ours are marked by a comment: a table of
  // somebody else with the same name is kExists. kUnsupported if nft is not installed.
  [[nodiscard]] static Result<void> apply(const NftTableChange& table);
  // Deletes the table if it is ours; success if it is gone already.
  [[nodiscard]] static Result<void> remove(const std::string& name);
  // The whole table without what counts by itself, as nft lists it; nothing if it is not there or not ours.
  [[nodiscard]] static Result<std::optional<std::string>> listing(const std::string& name);
  // The whole ruleset of this namespace as nft's JSON, to look for firewalls that would drop our packets.
  [[nodiscard]] static Result<std::string> list_ruleset_json();
};

}  // namespace isthmus::io
