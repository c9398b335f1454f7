// Which policy a called end uses, and which session it may join: select_peer, check_listed, check_joins and
// beyond_file of policy.h.
#include <fmt/format.h>

#include <algorithm>

#include "base/guard.h"
#include "base/printable.h"
#include "config/policy.h"

namespace isthmus::config {
namespace {

std::unexpected<Error> refused(std::string why) {
  return fail(Error::Code::kRefused, std::move(why));
}

Result<void> check_name(const std::string& name, const char* what) {
  if (guard<Guard::kPeerName>(is_valid_name(name))) return {};
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

Result<void> check_joins_up(const StandingSession& session, const JoiningStream& stream) {
  if (stream.peer_file.empty()) {
    const bool is_shown =
        stream.client && std::ranges::find(session.outer, *stream.client) != session.outer.end();
    if (guard<Guard::kJoinsUp>(is_shown)) return {};
    return refused(fmt::format("session {} is not connected to where this login comes from", session.name));
  }
  if (guard<Guard::kJoinsUp>(stream.peer_file == session.name && session.is_named)) return {};
  return refused(
      fmt::format("session {0} is an `isthmus up` that was not told to be peer {0}'s: `isthmus up --name "
                  "{0}` would tell it, "
                  "another --name leave this one to the peer",
                  session.name));
}

// A default route counts only where it is written out.
bool is_within(const Prefix& prefix, const std::vector<Prefix>& permitted) {
  return std::ranges::any_of(permitted, [&](const Prefix& one) {
    return one == prefix || (!one.is_default() && one.contains(prefix));
  });
}

std::optional<IpAddress> remote_of(const PeerPolicy& policy, Family family) {
  return family == Family::kIpv4 ? policy.ipv4.remote : policy.ipv6.remote;
}

bool permits_address(const PeerPolicy& file, const IpAddress& address) {
  if (const auto written = remote_of(file, address.family())) return *written == address;
  if (std::ranges::find(file.assign, address) != file.assign.end()) return true;
  return std::ranges::any_of(file.accepts, [&](const Prefix& one) { return one.contains(address); });
}

}  // namespace

Result<void> check_joins(const StandingSession& session, const JoiningStream& stream) {
  switch (session.origin) {
    case PolicyOrigin::kCommandLine:
      return check_joins_up(session, stream);
    case PolicyOrigin::kPeerFile:
      if (guard<Guard::kJoinsFile>(stream.peer_file == session.name)) return {};
      return refused(fmt::format("session {0} is that of /etc/isthmus/peers/{0}.toml", session.name));
    case PolicyOrigin::kAdopted:
      if (guard<Guard::kJoinsFile>(stream.peer_file.empty())) return {};
      return refused(fmt::format(
          "a login of root's has session {0} under no file: `isthmus down {0}` there ends it", session.name));
  }
  return {};
}

std::vector<std::string> beyond_file(const PeerPolicy& words, const PeerPolicy& file) {
  std::vector<std::string> beyond;
  const auto add = [&](const std::string& flag) {
    beyond.push_back(
        fmt::format("`isthmus up {}` permits more than /etc/isthmus/peers/{}.toml", flag, file.name));
  };
  for (const Prefix& prefix : words.accepts) {
    if (!guard<Guard::kWithinFile>(is_within(prefix, file.accepts))) add("--accept " + prefix.to_string());
  }
  for (const Prefix& prefix : words.offers) {
    if (!guard<Guard::kWithinFile>(is_within(prefix, file.offers))) add("--offer " + prefix.to_string());
  }
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const std::optional<IpAddress> remote = remote_of(words, family);
    const bool is_permitted = !remote || permits_address(file, *remote);
    if (!guard<Guard::kWithinFile>(is_permitted)) add("--address :" + remote->to_string());
  }
  if (!guard<Guard::kWithinFile>(!words.proxy_arp || file.proxy_arp)) add("--proxy-arp");
  if (!guard<Guard::kWithinFile>(!words.masquerade || file.masquerade)) add("--masquerade");
  if (!guard<Guard::kWithinFile>(words.guard || !file.guard)) add("--no-guard");
  return beyond;
}

Result<PeerChoice> select_peer(const AttachContext& context, const SitePolicy& site) {
  if (!guard<Guard::kRoot>(context.is_root))
    return refused("attach needs root: log in as root, or let sudo run isthmus");
  if (context.peer_flag) TRY(check_name(*context.peer_flag, "--peer"));
  // root through sudo is still root: it could have done so without.
  const bool is_by_sudo = !context.sudo_user.empty() && context.sudo_user != "root";
  if (is_by_sudo) return through_sudo(context);
  if (context.peer_flag) return file(*context.peer_flag);
  if (!guard<Guard::kForcedCommand>(!context.has_forced_command)) {
    return refused(
        "the forced command of this key names no peer: make it isthmus attach --peer NAME, and write "
        "/etc/isthmus/peers/NAME.toml");
  }
  if (!guard<Guard::kAdoption>(site.adopt_root)) {
    return refused(
        "adopt_root = false in /etc/isthmus/policy.toml: give this key a forced command isthmus attach "
        "--peer NAME");
  }
  if (!guard<Guard::kRootLogin>(context.is_root_login)) {
    return refused(
        "this is no login of root's by ssh: isthmus attach --peer NAME permits it, with what "
        "/etc/isthmus/peers/NAME.toml says");
  }
  return PeerChoice{PeerChoice::Kind::kAdopt, "", std::nullopt};
}

Result<void> check_listed(const PeerChoice& choice, const PeerPolicy& policy) {
  if (!choice.must_be_listed) return {};
  const std::string& user = *choice.must_be_listed;
  const bool is_listed = std::ranges::find(policy.sudo_users, user) != policy.sudo_users.end();
  if (guard<Guard::kSudoUser>(is_listed)) return {};
  return refused(
      fmt::format("{} may not use this policy through sudo: sudo_users = [\"{}\"] in "
                  "/etc/isthmus/peers/{}.toml permits it",
                  user, user, choice.name));
}

}  // namespace isthmus::config
