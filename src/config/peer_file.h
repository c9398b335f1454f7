// The text of /etc/isthmus/peers/NAME.toml and /etc/isthmus/policy.toml. Opens no file.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/policy.h"

namespace isthmus::config {

// Longer files are refused unread.
inline constexpr std::size_t kMaxPolicyFile = 64 * 1024;

// `name` is the NAME of the file; errors begin with "NAME.toml:LINE:COLUMN: ".
Result<PeerPolicy> parse_peer_file(std::string_view text, const std::string& name);
Result<SitePolicy> parse_site_policy(std::string_view text);

}  // namespace isthmus::config
