// What local policy permits an engine to ask of its monitor. The monitor judges the peer's request itself, by
// the facts that it gave the engine and by the same rules; an engine that somebody else has taken over gets
// for its peer what the peer could have had by asking, and nothing else.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/monitor_request.h"
#include "app/site.h"

namespace isthmus::app {

class EngineRules {
 public:
  EngineRules(Site site, std::uint32_t slot) : site_(std::move(site)), slot_(slot) {}

  [[nodiscard]] const config::PeerPolicy& policy() const { return site_.policy(); }
  [[nodiscard]] std::uint32_t slot() const { return slot_; }
  // Those that the engine was given last.
  void give(HostFacts facts) { facts_ = std::move(facts); }
  [[nodiscard]] const HostFacts& facts() const { return facts_; }

  // kRefused where a peer that only plans, or a session that only does, asks for more. `outer` is what the
  // monitor itself knows of the leg.
  Result<void> judged(const Judged& request, const OuterPath& outer);
  // What the monitor is to do for this agreement; kRefused if policy permits less, or it was not judged.
  [[nodiscard]] Result<RoutePlanInput> plan_for(const Join& join, const std::string& interface,
                                                const OuterPath& outer) const;
  // Within what an interface of ours may have, and no more queues than workers.
  [[nodiscard]] static Result<void> check(const OpenTunnel& tunnel);
  [[nodiscard]] static Result<void> check_mtu(int mtu);
  [[nodiscard]] static Result<void> check_sockets(std::size_t count);

  static constexpr std::size_t kMostWorkers = 8;

 private:
  [[nodiscard]] Result<void> check_addresses(const Join& join, const ppp::NetworkOptions& network) const;

  Site site_;
  std::uint32_t slot_;
  HostFacts facts_;
  std::map<LegId, session::Settlement> settlements_;  // of the newest legs
};

}  // namespace isthmus::app
