// What local policy permits an engine to ask of its monitor. The monitor judges the peer's request itself, by
// facts of its own and by the same rules; an engine that somebody else has taken over gets for its peer what
// the peer could have had by asking, and nothing else.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "app/monitor_request.h"
#include "app/site.h"

namespace isthmus::app {

class EngineRules {
 public:
  EngineRules(Site site, std::uint32_t slot) : site_(std::move(site)), slot_(slot) {}

  // Of the peer that was judged last, where its request is adopted.
  [[nodiscard]] const config::PeerPolicy& policy() const { return site_.policy(); }

  // kRefused where a peer only plans. `outer` is what the monitor itself knows of the leg, `facts` what it
  // knows of the machine now.
  Result<void> judged(const Judged& request, const OuterPath& outer, const HostFacts& facts);
  // What the monitor is to do for this agreement; kRefused if policy permits less, or it was not judged, or
  // what was permitted then would not be by what the machine is like now.
  [[nodiscard]] Result<RoutePlanInput> plan_for(const Join& join, const std::string& interface,
                                                const OuterPath& outer, const HostFacts& facts) const;
  // Within what an interface of ours may have, and no more queues than workers.
  [[nodiscard]] static Result<void> check(const OpenTunnel& tunnel);
  [[nodiscard]] static Result<void> check_mtu(int mtu);
  [[nodiscard]] static Result<void> check_sockets(std::size_t count);

  static constexpr std::size_t kMostWorkers = 8;

 private:
  struct Judgement {
    Judged request;
    Site site;  // which knows the addresses that go with it
    session::Settlement settlement;
  };
  [[nodiscard]] static Result<void> check_addresses(const Join& join, const Judgement& judgement);

  Site site_;
  std::uint32_t slot_;
  std::map<LegId, Judgement> judgements_;  // of the newest legs
};

}  // namespace isthmus::app
