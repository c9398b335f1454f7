#include "net/path_diagnosis.h"

#include <gmock/gmock.h>

#include <functional>

namespace isthmus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Prefix prefix(const char* text) {
  return Prefix::parse(text).value();
}
IpAddress address(const char* text) {
  return IpAddress::parse(text).value();
}

InterfaceFacts interface(const char* name, const char* own, int length) {
  return {name, true, false, false, {{address(own), length}}};
}

// polanski of the article: eth1 is 193.6.37.0/24, the far side is 193.6.35.0/24, and all of it works.
PathFacts polanski() {
  PathFacts facts;
  facts.tunnel_interface = "isth0";
  facts.near = {prefix("193.6.37.0/24")};
  facts.far = {prefix("193.6.35.0/24")};
  facts.near_hosts = {{address("193.6.37.20"), true, true}};
  facts.far_hosts = {{address("193.6.35.20"), true, true, address("193.6.35.12")}};
  facts.far_gateway_answers_us = true;
  facts.we_answer_far_gateway = true;
  facts.host.interfaces = {interface("eth0", "193.6.36.12", 24), interface("eth1", "193.6.37.12", 24),
                           interface("isth0", "193.6.37.12", 32)};
  facts.host.sysctls = {{"net.ipv4.conf.isth0.forwarding", "1"}, {"net.ipv4.conf.eth1.forwarding", "1"},
                        {"net.ipv4.conf.isth0.rp_filter", "2"},  {"net.ipv4.conf.eth1.rp_filter", "0"},
                        {"net.ipv4.conf.all.rp_filter", "0"},    {"net.ipv6.conf.all.forwarding", "0"}};
  return facts;
}

FirewallChain docker() {
  return {"ip", "filter", "FORWARD", "forward", 0, true, false, {}};
}

TEST(PathDiagnosis, HasNothingToSayWhenAllIsWell) {
  EXPECT_THAT(diagnose_path(polanski()), IsEmpty());
}

struct Case {
  const char* name;
  std::function<void(PathFacts&)> spoil;
  const char* remedy;  // part of the only one
};

class PathDiagnosisCase : public testing::TestWithParam<Case> {};

TEST_P(PathDiagnosisCase, NamesTheRemedy) {
  PathFacts facts = polanski();
  GetParam().spoil(facts);
  EXPECT_THAT(diagnose_path(facts), ElementsAre(HasSubstr(GetParam().remedy)));
}

const std::vector<Case> kCases{
    {"NoReturnRoute", [](PathFacts& f) { f.near_hosts[0].answers_peer = false; },
     "host 193.6.37.20 answers its gateway, but has no route back to the far side: on it run: ip route add "
     "193.6.35.0/24 via 193.6.37.12   or start with --masquerade"},
    {"NoReturnRouteOnTheFarSide", [](PathFacts& f) { f.far_hosts[0].answers_us = false; },
     "ip route add 193.6.37.0/24 via 193.6.35.12"},
    {"NoReturnRouteToAFullTunnel",
     [](PathFacts& f) {
       f.near_hosts[0].answers_peer = false;
       f.far = {prefix("0.0.0.0/0")};
     },
     "ip route replace default via 193.6.37.12"},
    {"MasqueradedAndSilent",
     [](PathFacts& f) {
       f.near_hosts[0].answers_peer = false;
       f.masquerade = true;
     },
     "though it is masqueraded"},
    {"SilentNearHost", [](PathFacts& f) { f.near_hosts[0] = {address("193.6.37.20"), false, false}; },
     "does not answer its own gateway either: is it up, and does it answer echo requests? Try here: ping "
     "193.6.37.20"},
    {"SilentFarHost", [](PathFacts& f) { f.far_hosts[0] = {address("193.6.35.20"), false, false, {}}; },
     "host 193.6.35.20 on the far side does not answer its own gateway either"},
    {"LanForwardingOff",
     [](PathFacts& f) {
       f.host.sysctls["net.ipv4.conf.eth1.forwarding"] = "0";
       f.near_hosts[0].answers_peer = false;
     },
     "sysctl -w net.ipv4.conf.eth1.forwarding=1"},
    {"TunnelForwardingOff", [](PathFacts& f) { f.host.sysctls["net.ipv4.conf.isth0.forwarding"] = "0"; },
     "sysctl -w net.ipv4.conf.isth0.forwarding=1"},
    {"StrictFilterOfAll",
     [](PathFacts& f) {
       f.host.sysctls["net.ipv4.conf.all.rp_filter"] = "1";
       f.host.sysctls["net.ipv4.conf.isth0.rp_filter"] = "0";
     },
     "sysctl -w net.ipv4.conf.isth0.rp_filter=2"},
    {"Clash", [](PathFacts& f) { f.far.push_back(prefix("193.6.36.0/24")); },
     "193.6.36.0/24 is the network of eth0 here and of the far side too"},
    {"FarInsideTheLan", [](PathFacts& f) { f.far.push_back(prefix("193.6.37.128/28")); },
     "the far 193.6.37.128/28 lies inside 193.6.37.0/24, the network of eth1 here: hosts there look for it "
     "on the "
     "wire. Start with --proxy-arp"},
    {"OfferWithoutInterface", [](PathFacts& f) { f.near.push_back(prefix("10.9.0.0/16")); },
     "10.9.0.0/16 is offered, but no interface"},
    {"WeAreSilent", [](PathFacts& f) { f.we_answer_far_gateway = false; },
     "this gateway does not answer the far one's echo requests"},
    {"OnlyTheTunnelAddressIsKnownThere",
     [](PathFacts& f) {
       f.far_gateway_answers_us = false;
       f.known_to_far_gateway = address("192.168.0.1");
     },
     "no route back through the tunnel. On it run: ip route add 193.6.37.0/24 via 192.168.0.1"},
    {"TheyAreSilent", [](PathFacts& f) { f.far_gateway_answers_us = false; },
     "the far gateway does not answer our echo requests"},
    {"BothAreSilent",
     [](PathFacts& f) {
       f.far_gateway_answers_us = false;
       f.we_answer_far_gateway = false;
     },
     "nothing crosses isth0 between the gateways"},
    {"FirewallInDoubt",
     [](PathFacts& f) {
       f.near_hosts.clear();
       f.firewall.chains = {docker()};
     },
     "iptables -I FORWARD -i isth0 -j ACCEPT"},
};

INSTANTIATE_TEST_SUITE_P(Table, PathDiagnosisCase, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string{test.param.name}; });

TEST(PathDiagnosis, SaysNothingOfAFirewallThatAnAnswerHasProvenOpen) {
  PathFacts facts = polanski();
  facts.firewall.chains = {docker()};
  EXPECT_THAT(diagnose_path(facts), IsEmpty());
}

TEST(PathDiagnosis, NamesTheFirewallBeforeTheReturnRoute) {
  PathFacts facts = polanski();
  facts.firewall.chains = {docker()};
  facts.near_hosts[0].answers_peer = false;
  EXPECT_THAT(diagnose_path(facts), ElementsAre(HasSubstr("iptables -I FORWARD"), HasSubstr("ip route add")));
}

TEST(PathDiagnosis, AsksForIpv6ForwardingOnlyWhereItIsOffered) {
  PathFacts facts = polanski();
  facts.near.push_back(prefix("2001:db8:37::/64"));
  facts.host.interfaces[1].addresses.push_back({address("2001:db8:37::12"), 64});
  EXPECT_THAT(diagnose_path(facts),
              ElementsAre("forwarding is off: sysctl -w net.ipv6.conf.all.forwarding=1"));
}

TEST(PathDiagnosis, WritesIpv6ReturnRoutes) {
  PathFacts facts = polanski();
  facts.far = {prefix("2001:db8:35::/64")};
  facts.host.interfaces[1].addresses.push_back({address("2001:db8:37::12"), 64});
  facts.near_hosts = {{address("2001:db8:37::20"), true, false}};
  EXPECT_THAT(diagnose_path(facts),
              ElementsAre(HasSubstr("ip -6 route add 2001:db8:35::/64 via 2001:db8:37::12")));
}

TEST(PathDiagnosis, ProxyArpCuresFarAddressesInsideTheLan) {
  PathFacts facts = polanski();
  facts.far.push_back(prefix("193.6.37.128/28"));
  facts.proxy_arp = true;
  EXPECT_THAT(diagnose_path(facts), IsEmpty());
}

TEST(PathDiagnosis, KnowsVlanInterfacesByTheirSysctlNames) {
  PathFacts facts = polanski();
  facts.host.interfaces[1].name = "eth1.7";
  facts.host.sysctls["net.ipv4.conf.eth1/7.forwarding"] = "0";
  EXPECT_THAT(diagnose_path(facts), ElementsAre(HasSubstr("sysctl -w net.ipv4.conf.eth1/7.forwarding=1")));
}

TEST(PathDiagnosis, TellsACallerWithoutAnOfferTheWayBackToItself) {
  PathFacts facts = polanski();
  facts.near.clear();
  facts.near_hosts.clear();
  facts.far_hosts[0].answers_us = false;
  EXPECT_THAT(diagnose_path(facts), ElementsAre(HasSubstr("ip route add 193.6.37.12/32 via 193.6.35.12")));
}

}  // namespace
}  // namespace isthmus
