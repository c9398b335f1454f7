// Which policy a called end uses: select_peer and check_listed of policy.h.
#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"
#include "config/policy.h"

namespace isthmus::config {
namespace {

std::unexpected<Error> refused(std::string why) {
  return fail(Error::Code::kRefused, std::move(why));
}

Result<void> check_name(const std::string& name, const char* what) {
  if (is_valid_name(name)) return {};
  return fail(Error::Code::kInvalid,
              fmt::format("{} '{}' cannot name a peer file: letters, digits and . _ - do", what,
                          printable(name, 80)));
}

PeerChoice file(std::string name) {
  return {PeerChoice::Kind::kFile, std::move(name), std::nullopt};
}

// NOPASSWD in sudoers lets a user start us; what that user may have is root's word alone.
Result<PeerChoice> through_sudo(const AttachContext& context) {
  TRY(check_name(context.sudo_user, "the user"));
  const std::string name = context.peer_flag.value_or(context.sudo_user);
  PeerChoice choice = file(name);
  if (name != context.sudo_user) choice.must_be_listed = context.sudo_user;
  return choice;
}

}  // namespace

Result<PeerChoice> select_peer(const AttachContext& context, const SitePolicy& site) {
  if (!context.is_root) return refused("attach needs root: log in as root, or let sudo run isthmus");
  if (context.peer_flag) TRY(check_name(*context.peer_flag, "--peer"));
  // root through sudo is still root: it could have done so without.
  const bool is_by_sudo = !context.sudo_user.empty() && context.sudo_user != "root";
  if (is_by_sudo) return through_sudo(context);
  if (context.peer_flag) return file(*context.peer_flag);
  if (context.has_forced_command) {
    return refused(
        "the forced command of this key names no peer: make it isthmus attach --peer NAME, and write "
        "/etc/isthmus/peers/NAME.toml");
  }
  if (!site.adopt_root) {
    return refused(
        "adopt_root = false in /etc/isthmus/policy.toml: give this key a forced command isthmus attach "
        "--peer NAME");
  }
  if (!context.is_root_login) {
    return refused(
        "this is no login of root's by ssh: isthmus attach --peer NAME permits it, with what "
        "/etc/isthmus/peers/NAME.toml says");
  }
  return PeerChoice{PeerChoice::Kind::kAdopt, "", std::nullopt};
}

Result<void> check_listed(const PeerChoice& choice, const PeerPolicy& policy) {
  if (!choice.must_be_listed) return {};
  const std::string& user = *choice.must_be_listed;
  if (std::ranges::find(policy.sudo_users, user) != policy.sudo_users.end()) return {};
  return refused(
      fmt::format("{} may not use this policy through sudo: sudo_users = [\"{}\"] in "
                  "/etc/isthmus/peers/{}.toml permits it",
                  user, user, choice.name));
}

}  // namespace isthmus::config
