#include "app/engine_rules.h"

#include <gtest/gtest.h>

namespace isthmus::app {
namespace {

Prefix prefix(const char* text) {
  return Prefix::parse(text).value();
}
IpAddress address(const char* text) {
  return IpAddress::parse(text).value();
}

// polanski's side: one LAN, and a peer file for fellini.
class EngineRulesTest : public ::testing::Test {
 protected:
  static HostFacts facts() {
    HostFacts facts;
    facts.interfaces = {{"eth0", true, false, false, {{address("193.6.36.12"), 24}}},
                        {"eth1", true, false, false, {{address("193.6.37.12"), 24}}}};
    facts.routes = {{prefix("0.0.0.0/0"), "eth0", address("193.6.36.1"), 254, 3}};
    facts.sysctls = {{"net.ipv6.conf.all.forwarding", "0"}};
    return facts;
  }
  static Site site() {
    config::PeerPolicy policy;
    policy.origin = config::PolicyOrigin::kPeerFile;
    policy.name = "fellini";
    policy.offers = {prefix("193.6.37.0/24")};
    policy.accepts = {prefix("193.6.35.0/24")};
    return Site{policy, std::nullopt};
  }
  // The peer offers that and wants ours.
  Result<void> judge(LegId leg, std::vector<Prefix> offers, bool is_plan = false) {
    const session::Hello hello{.name = "fellini",
                               .is_caller = true,
                               .plan_only = is_plan,
                               .offers = std::move(offers),
                               .wants = {prefix("193.6.37.0/24")}};
    return rules_.judged({leg, hello}, outer_, facts());
  }
  static Join join(LegId leg) {
    return {.leg = leg,
            .accepted = {prefix("193.6.35.0/24")},
            .offered = {prefix("193.6.37.0/24")},
            .ipv4 = AgreedIpv4{address("193.6.37.12"), address("193.6.35.12")},
            .ipv6 = AgreedIpv6{1, 2}};
  }
  [[nodiscard]] bool permits(const Join& wanted) const {
    return rules_.plan_for(wanted, "isth0", outer_, facts()).has_value();
  }

  OuterPath outer_{{{address("193.6.34.12"), 0}}, {address("193.6.36.12")}};
  EngineRules rules_{site(), 0};
};

TEST_F(EngineRulesTest, PermitsWhatPolicyAccepts) {
  ASSERT_TRUE(judge(1, {prefix("193.6.35.0/24")}));
  const Result<RoutePlanInput> plan = rules_.plan_for(join(1), "isth0", outer_, facts());
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->accepted, join(1).accepted);
  EXPECT_EQ(plan->outer, outer_.remote);
}

TEST_F(EngineRulesTest, RefusesAnAgreementThatWasNotJudged) {
  ASSERT_TRUE(judge(1, {prefix("193.6.35.0/24")}));
  EXPECT_FALSE(permits(join(2)));
}

TEST_F(EngineRulesTest, RefusesARouteThatPolicyDoesNotAccept) {
  ASSERT_TRUE(judge(1, {prefix("193.6.35.0/24"), prefix("0.0.0.0/0"), prefix("10.0.0.0/8")}));
  for (const char* wanted : {"0.0.0.0/0", "10.0.0.0/8", "193.6.35.0/25", "193.6.37.0/24", "193.6.34.12/32"}) {
    Join more = join(1);
    more.accepted = {prefix(wanted)};
    EXPECT_FALSE(permits(more)) << wanted;
  }
}

TEST_F(EngineRulesTest, RefusesWhatThePeerDidNotOfferThoughPolicyWould) {
  ASSERT_TRUE(judge(1, {}));
  EXPECT_FALSE(permits(join(1)));
}

TEST_F(EngineRulesTest, RefusesWhatHasBecomeThisMachinesSince) {
  ASSERT_TRUE(judge(1, {prefix("193.6.35.0/24")}));
  HostFacts moved = facts();
  moved.interfaces.push_back({"wlan0", true, false, false, {{address("193.6.35.77"), 24}}});
  EXPECT_TRUE(permits(join(1)));
  EXPECT_FALSE(rules_.plan_for(join(1), "isth0", outer_, moved));
}

TEST_F(EngineRulesTest, RefusesWhatItHasRefusedThoughItWouldPermitItNow) {
  HostFacts before = facts();
  before.interfaces.push_back({"wlan0", true, false, false, {{address("193.6.35.77"), 24}}});
  session::Hello hello;
  hello.is_caller = true;
  hello.offers = {prefix("193.6.35.0/24")};
  hello.wants = {prefix("193.6.37.0/24")};
  Join route_alone = join(1);
  route_alone.ipv4.reset();  // its address would be refused too
  ASSERT_TRUE(rules_.judged({1, hello}, outer_, before));
  EXPECT_FALSE(permits(route_alone)) << "the peer was told that it may not";
  ASSERT_TRUE(rules_.judged({1, hello}, outer_, facts()));
  EXPECT_TRUE(permits(route_alone));
}

TEST_F(EngineRulesTest, RefusesAnAgreementOnNothing) {
  ASSERT_TRUE(judge(1, {prefix("193.6.35.0/24")}));
  Join nothing = join(1);
  nothing.accepted.clear();
  EXPECT_TRUE(permits(nothing)) << "the peer takes what is offered";
  nothing.offered.clear();
  EXPECT_FALSE(permits(nothing));
}

TEST_F(EngineRulesTest, KeepsThePeersOfTwoStreamsApart) {
  ASSERT_TRUE(judge(1, {prefix("193.6.35.0/24")}));
  ASSERT_TRUE(judge(2, {}));
  EXPECT_TRUE(permits(join(1)));
  EXPECT_FALSE(permits(join(2)));
}

TEST_F(EngineRulesTest, RefusesToOfferMoreThanPolicyDoes) {
  ASSERT_TRUE(judge(1, {prefix("193.6.35.0/24")}));
  Join more = join(1);
  more.offered = {prefix("193.6.36.0/24")};
  EXPECT_FALSE(permits(more));
}

TEST_F(EngineRulesTest, RefusesAddressesThatPolicyDoesNotPermit) {
  ASSERT_TRUE(judge(1, {prefix("193.6.35.0/24")}));
  for (const char* remote : {"193.6.37.12", "193.6.36.1", "127.0.0.1", "224.0.0.1", "0.0.0.0", "8.8.8.8"}) {
    Join other = join(1);
    other.ipv4->remote = address(remote);
    EXPECT_FALSE(permits(other)) << remote;
  }
  Join other = join(1);
  other.ipv4->local = address("193.6.36.12");
  EXPECT_TRUE(permits(join(1)));
  EXPECT_FALSE(permits(other)) << "an address of this machine that is not the tunnel's";
}

TEST_F(EngineRulesTest, RefusesInterfaceIdentifiersOfZero) {
  ASSERT_TRUE(judge(1, {prefix("193.6.35.0/24")}));
  Join zero = join(1);
  zero.ipv6->local = 0;
  EXPECT_FALSE(permits(zero));
}

TEST_F(EngineRulesTest, RefusesToJoinAPeerThatOnlyPlans) {
  EXPECT_FALSE(judge(1, {prefix("193.6.35.0/24")}, true));
  EXPECT_FALSE(permits(join(1)));
}

TEST_F(EngineRulesTest, RefusesAPeerWhoseRequestPolicyRefuses) {
  config::PeerPolicy adopted;
  adopted.origin = config::PolicyOrigin::kAdopted;
  EngineRules rules{Site{adopted, config::SitePolicy{.deny = {prefix("193.6.40.0/24")}}}, 0};
  session::Hello hello;
  hello.is_caller = true;
  hello.offers = {prefix("193.6.35.0/24")};
  hello.wants = {prefix("193.6.37.0/24")};
  ASSERT_TRUE(rules.judged({1, hello}, outer_, facts()));
  EXPECT_TRUE(rules.plan_for(join(1), "isth0", outer_, facts()));
  hello.wants.push_back(prefix("193.6.40.0/24"));
  ASSERT_TRUE(rules.judged({1, hello}, outer_, facts()));
  EXPECT_FALSE(rules.plan_for(join(1), "isth0", outer_, facts()));
}

TEST_F(EngineRulesTest, KeepsOneMtuAndAFewQueuesAndSockets) {
  EXPECT_TRUE(EngineRules::check({1400, 8}));
  for (const OpenTunnel& wrong :
       {OpenTunnel{67, 1}, OpenTunnel{65536, 1}, OpenTunnel{-1, 1}, OpenTunnel{1400, 0}, OpenTunnel{1400, 9}})
    EXPECT_FALSE(EngineRules::check(wrong)) << wrong.mtu << ' ' << int{wrong.queues};
  EXPECT_TRUE(EngineRules::check_sockets(1));
  EXPECT_FALSE(EngineRules::check_sockets(0));
  EXPECT_FALSE(EngineRules::check_sockets(9));
}

}  // namespace
}  // namespace isthmus::app
