// One of the two machines that session_pair_fuzz joins: its network, what it permits the other, and what it
// tells its Session.
#pragma once

#include <optional>
#include <vector>

#include "config/policy.h"
#include "session/path_options.h"
#include "session/session_options.h"

namespace isthmus::session::fuzz {

inline Prefix prefix(const char* text) {
  return Prefix::parse(text).value();
}
inline IpAddress address(const char* text) {
  return IpAddress::parse(text).value();
}

// A machine with one network, and what it permits the other.
struct Place {
  IpAddress own;
  Prefix network;
  std::vector<Prefix> accepts;
};

inline Place place_of(bool is_caller) {
  if (is_caller)
    return {address("10.1.0.1"), prefix("10.1.0.0/16"), {prefix("10.2.0.0/16"), prefix("2001:db8:2::/48")}};
  return {address("10.2.0.1"), prefix("10.2.0.0/16"), {prefix("10.1.0.0/16")}};
}

inline HostFacts facts_of(const Place& place) {
  HostFacts facts;
  facts.interfaces.push_back({"lan0", true, false, false, {{place.own, 16}}, 1500});
  facts.routes.push_back({place.network, "lan0", std::nullopt, 254, 2});
  return facts;
}

inline config::PeerPolicy policy_of(const Place& place) {
  config::PeerPolicy policy;
  policy.offers = {place.network};
  policy.accepts = place.accepts;
  return policy;
}

inline SessionOptions options_of(const Place& place, bool is_caller, unsigned bits) {
  SessionOptions options;
  options.dials = is_caller || (bits & 1) != 0;
  if ((bits & 2) != 0) options.hold = std::chrono::seconds{60};
  options.takes_datagrams = (bits & 4) == 0;
  options.identity.node.fill(is_caller ? 1 : 2);
  options.identity.host.fill(is_caller ? 1 : 2);
  options.identity.name = is_caller ? "fellini" : "polanski";
  options.identity.is_caller = is_caller;
  options.identity.plan_only = is_caller && (bits & 8) != 0;
  options.identity.offers = {place.network};
  options.identity.wants = place.accepts;
  return options;
}

inline PathOptions path_options_of(const Place& place) {
  PathOptions options;
  options.keying.workers = 1;
  options.keying.wishes.ciphers = {crypto::Cipher::kAes128Gcm};
  options.port = 1000;
  options.own_addresses = {place.own};
  return options;
}

}  // namespace isthmus::session::fuzz
