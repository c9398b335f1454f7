#include "net/firewall_diagnosis.h"

#include <gmock/gmock.h>

namespace isthmus {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Verdict = FirewallRule::Verdict;

const ForwardedTraffic kTraffic{"isth0", {"eth1"}, true, false};

FirewallChain forward(std::string table, std::vector<FirewallRule> rules, bool drops_by_policy = false) {
  return {"ip", std::move(table), "FORWARD", "forward", 0, drops_by_policy, false, std::move(rules)};
}
FirewallChain chain(std::string table, std::string name, std::vector<FirewallRule> rules = {}) {
  return {"ip", std::move(table), std::move(name), "", 0, false, false, std::move(rules)};
}
FirewallRule rule(Verdict verdict, std::string target = {}) {
  return {{}, {}, false, verdict, std::move(target)};
}
FirewallRule rule_in(std::string interface, Verdict verdict, std::string target = {}) {
  return {{{std::move(interface)}, false}, {}, false, verdict, std::move(target)};
}
FirewallRule rule_out(std::string interface, Verdict verdict) {
  return {{}, {{std::move(interface)}, false}, false, verdict, ""};
}
FirewallRule conditional(Verdict verdict) {
  return {{}, {}, true, verdict, ""};
}

std::vector<std::string> diagnosis(std::vector<FirewallChain> chains) {
  return diagnose_firewall({std::move(chains), false}, kTraffic);
}

TEST(FirewallDiagnosis, FindsNothingWhereNothingDrops) {
  EXPECT_THAT(diagnosis({}), IsEmpty());
  EXPECT_THAT(diagnosis({forward("filter", {})}), IsEmpty());
  EXPECT_THAT(diagnosis({forward("filter", {conditional(Verdict::kDrop)})}), IsEmpty());
}

TEST(FirewallDiagnosis, SendsDockerUsersToTheirChain) {
  const auto remedies = diagnosis(
      {forward("filter", {rule(Verdict::kJump, "DOCKER-USER"), rule_out("docker0", Verdict::kAccept)}, true),
       chain("filter", "DOCKER-USER", {rule(Verdict::kReturn)})});
  EXPECT_THAT(remedies,
              ElementsAre("the firewall (Docker) may drop what goes into and comes out of isth0 (table ip "
                          "filter, the policy of chain FORWARD); to permit it: iptables -I DOCKER-USER -i "
                          "isth0 -j ACCEPT; iptables -I DOCKER-USER -o isth0 -j ACCEPT"));
}

TEST(FirewallDiagnosis, IsContentOnceDockerUserAccepts) {
  EXPECT_THAT(diagnosis({forward("filter", {rule(Verdict::kJump, "DOCKER-USER")}, true),
                         chain("filter", "DOCKER-USER",
                               {rule_in("isth0", Verdict::kAccept), rule_out("isth0", Verdict::kAccept),
                                rule(Verdict::kReturn)})}),
              IsEmpty());
}

TEST(FirewallDiagnosis, NamesOnlyTheDirectionThatIsDropped) {
  const auto remedies = diagnosis({forward("filter", {rule_in("isth*", Verdict::kAccept)}, true)});
  EXPECT_THAT(remedies,
              ElementsAre(AllOf(HasSubstr("what goes into isth0"),
                                HasSubstr("iptables -I FORWARD -o isth0 -j ACCEPT"), Not(HasSubstr("-i ")))));
}

TEST(FirewallDiagnosis, SpeaksUfw) {
  const auto remedies = diagnosis({forward("filter", {rule(Verdict::kJump, "ufw-before-forward")}, true),
                                   chain("filter", "ufw-before-forward", {conditional(Verdict::kAccept)})});
  EXPECT_THAT(remedies, ElementsAre(HasSubstr("ufw route allow in on isth0; ufw route allow out on isth0")));
}

TEST(FirewallDiagnosis, SpeaksFirewalld) {
  FirewallChain base = forward(
      "firewalld", {conditional(Verdict::kAccept), rule(Verdict::kJump, "zones"), rule(Verdict::kReject)});
  base.family = "inet";
  base.name = "filter_FORWARD";
  FirewallChain zones = chain("firewalld", "zones", {rule_in("eth0", Verdict::kGoto, "public")});
  zones.family = "inet";
  EXPECT_THAT(
      diagnosis({base, zones}),
      ElementsAre(AllOf(HasSubstr("(firewalld)"), HasSubstr("table inet firewalld, chain filter_FORWARD"),
                        HasSubstr("firewall-cmd --zone=trusted --add-interface=isth0"))));
}

TEST(FirewallDiagnosis, NamesTheChainAndTheNftCommandElsewhere) {
  FirewallChain base = forward("mine", {rule(Verdict::kJump, "strict")});
  base.family = "inet";
  base.name = "fw";
  FirewallChain strict = chain("mine", "strict", {rule(Verdict::kDrop)});
  strict.family = "inet";
  EXPECT_THAT(diagnosis({base, strict}),
              ElementsAre(AllOf(HasSubstr("table inet mine, chain strict"),
                                HasSubstr("nft insert rule inet mine fw iifname isth0 accept; "
                                          "nft insert rule inet mine fw oifname isth0 accept"))));
}

TEST(FirewallDiagnosis, TellsLegacyIptablesApart) {
  FirewallChain base = forward("filter", {}, true);
  base.is_legacy = true;
  EXPECT_THAT(diagnosis({base}), ElementsAre(HasSubstr("iptables-legacy -I FORWARD -i isth0 -j ACCEPT")));
}

TEST(FirewallDiagnosis, AsksOnlyForFamiliesInUse) {
  FirewallChain base = forward("filter", {}, true);
  base.family = "ip6";
  EXPECT_THAT(diagnosis({base}), IsEmpty());
  ForwardedTraffic both = kTraffic;
  both.ipv6 = true;
  EXPECT_THAT(diagnose_firewall({{base}, false}, both), ElementsAre(HasSubstr("ip6tables -I FORWARD")));
}

TEST(FirewallDiagnosis, LeavesOurOwnTablesAndOtherHooksAlone) {
  FirewallChain ours = forward("isthmus_guard", {}, true);
  FirewallChain input = forward("filter", {}, true);
  input.hook = "input";
  EXPECT_THAT(diagnosis({ours, input}), IsEmpty());
}

TEST(FirewallDiagnosis, ReturnsFromAChainAndGoesNowhereAfterGoto) {
  // After `goto` the caller's later accept is never reached.
  EXPECT_EQ(diagnosis({forward("filter", {rule(Verdict::kGoto, "a"), rule(Verdict::kAccept)}, true),
                       chain("filter", "a", {rule(Verdict::kReturn)})})
                .size(),
            1U);
  EXPECT_THAT(diagnosis({forward("filter", {rule(Verdict::kJump, "a"), rule(Verdict::kAccept)}, true),
                         chain("filter", "a", {rule(Verdict::kReturn), rule(Verdict::kDrop)})}),
              IsEmpty());
}

TEST(FirewallDiagnosis, EndsWhereChainsJumpInACircle) {
  EXPECT_THAT(diagnosis({forward("filter", {rule(Verdict::kJump, "a")}, true),
                         chain("filter", "a", {rule(Verdict::kJump, "a"), rule(Verdict::kJump, "a")})}),
              IsEmpty());
}

TEST(FirewallDiagnosis, SaysWhatItCannotRead) {
  EXPECT_THAT(diagnose_firewall({{}, true}, kTraffic), ElementsAre(HasSubstr("iptables-legacy")));
}

}  // namespace
}  // namespace isthmus
