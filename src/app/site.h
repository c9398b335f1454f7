// A configured far network and what local policy says about it: the judgement of its requests, and what
// follows from an agreement for this machine's routes, for the proof, and for which packets may cross.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/prover.h"
#include "base/random_source.h"
#include "config/exit_codes.h"
#include "config/policy.h"
#include "net/outer_path.h"
#include "net/path_diagnosis.h"
#include "net/route_plan.h"
#include "net/selector.h"
#include "session/call.h"

namespace isthmus::app {

// Sentences with their remedies, and the exit status that they come to.
struct Lack {
  config::ExitCode code;
  std::vector<std::string> sentences;
};

class Site final : public ppp::AddressPolicy {
 public:
  // With `adopt_under` the policy is made from the peer's own request, less what that denies.
  Site(config::PeerPolicy policy, std::optional<config::SitePolicy> adopt_under);

  [[nodiscard]] const config::PeerPolicy& policy() const { return policy_; }
  // Before there is one, for plans: the interface that policy names, or what the first is called.
  [[nodiscard]] std::string likely_interface() const {
    return policy_.interface.empty() ? "isth0" : policy_.interface;
  }
  [[nodiscard]] bool is_adopted() const { return adopt_under_.has_value(); }

  // Empty `hello`: a plain PPP peer. `facts` are kept for the address decisions that follow.
  session::Settlement judge(const std::optional<session::Hello>& hello, const HostFacts& facts,
                            const config::JudgeContext& context);

  // Why this agreement is not what the user asked for, the most telling first; empty if it is.
  [[nodiscard]] std::vector<Lack> lacks(const session::Agreement& agreement) const;

  // The flag or line that would permit the peer an address that was refused.
  [[nodiscard]] std::string address_remedy() const;

  // Prefixes of a family that did not come up are left out.
  [[nodiscard]] RoutePlanInput plan_input(const session::Agreement& agreement, const std::string& interface,
                                          std::uint32_t slot, const OuterPath& outer) const;
  [[nodiscard]] static Selector selector(const session::Agreement& agreement, const std::string& interface,
                                         const OuterPath& outer, const HostFacts& facts);

  // Our addresses that should answer the peer, and hosts behind us.
  [[nodiscard]] session::Ready ready(const session::Agreement& agreement, const HostFacts& facts) const;
  // Towards what the peer named (only inside what we accepted), and towards our own hosts.
  [[nodiscard]] std::vector<ProofTask> proof_tasks(const session::Agreement& agreement,
                                                   const session::Ready& theirs,
                                                   const session::Ready& ours) const;
  [[nodiscard]] PathFacts path_facts(const session::Agreement& agreement, const std::string& interface,
                                     const HostFacts& facts) const;

  [[nodiscard]] bool permits_remote(const IpAddress& address) const override;
  [[nodiscard]] bool permits_local(const IpAddress& address) const override;

 private:
  // What the far end refuses or does not offer.
  [[nodiscard]] std::vector<std::string> shortfalls(const session::Agreement& agreement) const;
  // What of the user's wishes the peer offers, but our own judgement forbids.
  [[nodiscard]] std::vector<std::string> refused_wants(const session::Agreement& agreement) const;
  // Of our own words: what cannot work whatever the far end says.
  [[nodiscard]] std::vector<std::string> own_faults() const;
  // Of an adopted request: what the caller has to hear at once.
  [[nodiscard]] std::vector<std::string> faults_of_request(const session::Hello& hello,
                                                           const HostFacts& facts,
                                                           const config::JudgeContext& context) const;
  ppp::NetworkOptions network_options(const std::optional<session::Hello>& hello, const HostFacts& facts,
                                      const config::JudgeContext& context);
  [[nodiscard]] bool peer_may_ask_for_address(const std::optional<session::Hello>& hello) const;
  std::optional<IpAddress> assign_address(const HostFacts& facts, const config::JudgeContext& context) const;

  config::PeerPolicy policy_;
  std::optional<config::SitePolicy> adopt_under_;
  std::optional<config::PeerAddressPolicy> addresses_;
  config::TunnelAddresses chosen_;
  std::optional<IpAddress> assigned_;
  // Of a caller, at its first call: later an interface may be down for a while.
  std::optional<std::vector<std::string>> unled_offers_;
};

}  // namespace isthmus::app
