// The policy of this machine as its administrator wrote it down.
#pragma once

#include <string>

#include "config/policy.h"

namespace isthmus::app {

// /etc/isthmus/policy.toml; the defaults if there is none.
Result<config::SitePolicy> read_site_policy();
// /etc/isthmus/peers/NAME.toml. kNotFound says which file to write.
Result<config::PeerPolicy> read_peer_policy(const std::string& name);
// Whether there is such a file, sound or not.
bool has_peer_file(const std::string& name);

}  // namespace isthmus::app
