// Whatever an engine sends its monitor, or a monitor its launcher, it is refused or one of the requests,
// which reads the same when it is written again; and what the rules permit of it lies within policy.
//
// Input: the octets of requests, each of kRequestSize, the last one filled up with zeros.
#include <algorithm>

#include "app/engine_rules.h"
#include "app/launch_request.h"
#include "base/check.h"

namespace {

using namespace isthmus;
using namespace isthmus::app;

config::PeerPolicy policy() {
  config::PeerPolicy policy;
  policy.origin = config::PolicyOrigin::kPeerFile;
  policy.offers = {Prefix::parse("10.1.0.0/24").value()};
  policy.accepts = {Prefix::parse("10.2.0.0/24").value()};
  return policy;
}

HostFacts facts() {
  HostFacts facts;
  facts.interfaces = {{"lan0", true, false, false, {{IpAddress::parse("10.1.0.1").value(), 24}}}};
  return facts;
}

void check_within(const std::vector<Prefix>& prefixes, const Prefix& permitted) {
  for (const Prefix& prefix : prefixes) CHECK(permitted.contains(prefix));
}

void ask(EngineRules& rules, const MonitorRequest& request) {
  if (const auto* judged = std::get_if<Judged>(&request)) std::ignore = rules.judged(*judged, {}, facts());
  const auto* join = std::get_if<Join>(&request);
  if (join == nullptr) return;
  const Result<RoutePlanInput> plan = rules.plan_for(*join, "isth0", {}, facts());
  if (!plan) return;
  check_within(plan->accepted, policy().accepts.front());
  check_within(plan->offered, policy().offers.front());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  EngineRules rules{Site{policy(), std::nullopt}, 0};
  for (ConstBytes input{data, size}; !input.empty();
       input = input.subspan(std::min(input.size(), kRequestSize))) {
    RequestOctets octets{};
    std::ranges::copy(input.first(std::min(input.size(), kRequestSize)), octets.begin());
    const ConstBytes shorter = ConstBytes{octets}.first(kLaunchRequestSize);
    if (const Result<LaunchRequest> launch = decode_launch_request(shorter))
      CHECK(std::ranges::equal(encode_launch_request(*launch), shorter));
    const Result<MonitorRequest> request = decode_monitor_request(octets);
    if (!request) continue;
    CHECK(encode_monitor_request(*request) == octets);
    ask(rules, *request);
  }
  return 0;
}
