#include "app/policy_files.h"

#include "config/peer_file.h"
#include "io/policy_file.h"

namespace isthmus::app {
namespace {

constexpr const char* kPolicyFile = "/etc/isthmus/policy.toml";
constexpr const char* kPeerDirectory = "/etc/isthmus/peers/";

}  // namespace

Result<config::SitePolicy> read_site_policy() {
  const std::optional<std::string> text = TRY(io::read_policy_file(kPolicyFile, config::kMaxPolicyFile));
  return text ? config::parse_site_policy(*text) : config::SitePolicy{};
}

Result<config::PeerPolicy> read_peer_policy(const std::string& name) {
  const std::string path = kPeerDirectory + name + ".toml";
  const std::optional<std::string> text = TRY(io::read_policy_file(path, config::kMaxPolicyFile));
  if (!text) {
    return fail(Error::Code::kNotFound,
                "there is no " + path + ": write it with the lines `offer = [\"…\"]` and `accept = [\"…\"]`");
  }
  return config::parse_peer_file(*text, name);
}

bool has_peer_file(const std::string& name) {
  const auto text = io::read_policy_file(kPeerDirectory + name + ".toml", config::kMaxPolicyFile);
  return !text || text->has_value();
}

}  // namespace isthmus::app
