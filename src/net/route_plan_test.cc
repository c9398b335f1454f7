#include "net/route_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace isthmus {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Prefix prefix(const char* text) {
  return Prefix::parse(text).value();
}
IpAddress address(const char* text) {
  return IpAddress::parse(text).value();
}

// fellini of the article: eth0 outside (193.6.34.12, default route), eth1 inside (193.6.35.12).
HostFacts fellini() {
  HostFacts facts;
  facts.interfaces = {
      {"lo", true, true, false, {{address("127.0.0.1"), 8}, {address("::1"), 128}}},
      {"eth0", true, false, false, {{address("193.6.34.12"), 24}}},
      {"eth1", true, false, false, {{address("193.6.35.12"), 24}, {address("2001:db8:35::12"), 64}}}};
  facts.routes = {{prefix("0.0.0.0/0"), "eth0", address("193.6.34.1"), 254, 3},
                  {prefix("193.6.34.0/24"), "eth0", {}, 254, 2},
                  {prefix("193.6.35.0/24"), "eth1", {}, 254, 2}};
  facts.sysctls = {{"net.ipv4.conf.all.rp_filter", "0"},
                   {"net.ipv4.conf.default.rp_filter", "0"},
                   {"net.ipv6.conf.all.forwarding", "0"},
                   {"net.ipv6.conf.eth0.accept_ra", "1"},
                   {"net.ipv6.conf.eth1.accept_ra", "0"}};
  return facts;
}

RoutePlanInput join() {
  RoutePlanInput input;
  input.interface = "isth0";
  input.slot = 3;
  input.accepted = {prefix("193.6.37.0/24")};
  input.offered = {prefix("193.6.35.0/24")};
  input.local_ipv4 = address("193.6.35.12");
  input.remote_ipv4 = address("193.6.37.12");
  input.local_interface_id = 0x0102030405060708;
  input.outer = {{address("193.6.36.12"), 22}};
  input.outer_local = {address("193.6.34.12")};
  return input;
}

std::vector<std::string> lines(const std::vector<HostChange>& changes) {
  std::vector<std::string> texts;
  for (const HostChange& change : changes) texts.push_back(describe(change));
  return texts;
}

std::string filter_of(const RoutePlan& plan) {
  for (const HostChange& change : plan.lasting)
    if (const auto* table = std::get_if<NftTableChange>(&change)) return table->body;
  return "";
}

TEST(RoutePlan, JoinsTheTwoNetworksOfTheArticle) {
  const RoutePlan plan = make_route_plan(join(), fellini());
  EXPECT_THAT(
      lines(plan.lasting),
      ElementsAre("sysctl net.ipv6.conf.isth0.accept_ra=0", "sysctl net.ipv6.conf.isth0.accept_redirects=0",
                  "sysctl net.ipv4.conf.isth0.accept_redirects=0",
                  "address 193.6.35.12/32 peer 193.6.37.12 dev isth0",
                  "address fe80::102:304:506:708/64 dev isth0", "unreachable route 193.6.37.0/24 table 7203",
                  "nft table inet isthmus_7203", "rule 7203: table 7203",
                  "sysctl net.ipv4.conf.isth0.forwarding=1", "sysctl net.ipv4.conf.eth1.forwarding=1"));
  EXPECT_THAT(lines(plan.while_up), ElementsAre("route 193.6.37.0/24 dev isth0 src 193.6.35.12 table 7203"));
  EXPECT_THAT(plan.warnings, IsEmpty());
}

TEST(RoutePlan, LeavesUnreachableBehindWhenTheTunnelGoes) {
  const RoutePlan plan = make_route_plan(join(), fellini());
  for (const HostChange& change : plan.lasting) {
    if (const auto* route = std::get_if<RouteChange>(&change)) {
      EXPECT_EQ(route->kind, RouteKind::kUnreachable);
      EXPECT_EQ(route->metric, kFallbackMetric);
      EXPECT_TRUE(route->interface.empty());
    }
  }
  EXPECT_LT(std::get<RouteChange>(plan.while_up.front()).metric, kFallbackMetric);
}

TEST(RoutePlan, KeepsTheOuterConnectionOutOfAFullTunnel) {
  RoutePlanInput input = join();
  input.accepted = {prefix("0.0.0.0/0")};
  const RoutePlan plan = make_route_plan(input, fellini());
  EXPECT_THAT(lines(plan.lasting), Contains("rule 7003: to 193.6.36.12/32 tcp port 22 table main"));
  EXPECT_THAT(lines(plan.lasting), Contains("throw route 193.6.35.0/24 table 7203"));
  EXPECT_THAT(filter_of(plan), HasSubstr("ip daddr 193.6.36.12 tcp dport 22 accept"));
  EXPECT_THAT(filter_of(plan), HasSubstr("ip saddr 193.6.36.12 tcp sport 22 accept"));
  EXPECT_THAT(plan.warnings, Contains(HasSubstr("full tunnel")));
}

TEST(RoutePlan, KeepsItsDatagramsOutOfAFullTunnelByTheirMark) {
  RoutePlanInput input = join();
  input.accepted = {prefix("0.0.0.0/0")};
  input.datagram_port = 4500;
  const RoutePlan plan = make_route_plan(input, fellini());
  EXPECT_THAT(lines(plan.lasting), Contains("rule 7003: udp mark 0x69736d03 table main"));
  EXPECT_THAT(filter_of(plan), HasSubstr("meta mark 0x69736d03 udp sport 4500 accept"));
  EXPECT_THAT(filter_of(plan), HasSubstr("udp dport 4500 fib daddr type local accept"));
}

// Also a family whose addresses ssh is not connected to: the peer may have such a one too.
TEST(RoutePlan, KeepsDatagramsOfEitherFamilyOutOfAFullTunnelOfIt) {
  RoutePlanInput input = join();
  input.accepted = {prefix("::/0")};
  input.datagram_port = 4500;
  EXPECT_THAT(lines(make_route_plan(input, fellini()).lasting),
              AllOf(Contains("rule 7003: ipv6 udp mark 0x69736d03 table main"),
                    Not(Contains("rule 7003: udp mark 0x69736d03 table main"))));
}

TEST(RoutePlan, LeavesDatagramsAloneWhereNothingCoversThePeer) {
  RoutePlanInput input = join();
  input.datagram_port = 4500;
  EXPECT_THAT(filter_of(make_route_plan(input, fellini())), Not(HasSubstr("mark")));
}

TEST(RoutePlan, PutsTheRuleIntoTheTableAfterWhatItLeadsTo) {
  RoutePlanInput input = join();
  input.accepted = {prefix("0.0.0.0/0")};
  const std::vector<std::string> all = lines(make_route_plan(input, fellini()).lasting);
  const auto at = [&](const char* text) { return std::ranges::find(all, text) - all.begin(); };
  EXPECT_LT(at("rule 7003: to 193.6.36.12/32 tcp port 22 table main"), at("rule 7203: table 7203"));
  EXPECT_LT(at("throw route 193.6.35.0/24 table 7203"), at("rule 7203: table 7203"));
  EXPECT_LT(at("nft table inet isthmus_7203"), at("rule 7203: table 7203"));
}

// Hosts of the LAN may be sending already: what this machine forwards before the rule stands (or, undoing,
// after it is gone) takes the default route in the clear.
TEST(RoutePlan, ForwardsOnlyWhileTheRuleStands) {
  RoutePlanInput input = join();
  input.offered.push_back(prefix("2001:db8:35::/64"));
  const std::vector<std::string> all = lines(make_route_plan(input, fellini()).lasting);
  const auto at = [&](const char* text) { return std::ranges::find(all, text) - all.begin(); };
  EXPECT_LT(at("rule 7203: table 7203"), at("sysctl net.ipv4.conf.eth1.forwarding=1"));
  EXPECT_LT(at("rule 7203: table 7203"), at("sysctl net.ipv6.conf.all.forwarding=1"));
  EXPECT_THAT(all, Contains("sysctl net.ipv6.conf.all.forwarding=1"));
}

TEST(RoutePlan, LeavesTheOuterConnectionAloneWhereNothingCoversIt) {
  for (const std::string& line : lines(make_route_plan(join(), fellini()).lasting))
    EXPECT_THAT(line, Not(HasSubstr("rule 70")));
}

TEST(RoutePlan, KeepsOurOwnNetworksOutOfASupernet) {
  HostFacts facts = fellini();
  facts.routes.push_back({prefix("193.6.40.0/24"), "eth1", address("193.6.35.1"), 254, 4});
  RoutePlanInput input = join();
  input.accepted = {prefix("193.6.0.0/16")};
  const RoutePlan plan = make_route_plan(input, facts);
  EXPECT_THAT(lines(plan.lasting), AllOf(Contains("throw route 193.6.35.0/24 table 7203"),
                                         Contains("throw route 193.6.40.0/24 table 7203")));
  EXPECT_THAT(filter_of(plan), HasSubstr("ip daddr { 193.6.35.0/24, 193.6.40.0/24 } accept"));
}

// TunnelVision (CVE-2024-3661), TunnelCrack (CVE-2023-36672).
TEST(RoutePlan, DoesNotLetTheNetworkOutsideTakeTrafficOutOfTheTunnel) {
  HostFacts facts = fellini();
  facts.routes.push_back(
      {prefix("193.6.37.0/25"), "eth0", address("193.6.34.66"), 254, 3});  // pushed by dhclient
  facts.routes.push_back({prefix("0.0.0.0/1"), "eth0", address("193.6.34.66"), 254, 16});
  facts.routes.push_back(
      {prefix("193.6.37.128/25"), "eth1", address("193.6.35.66"), 254, 16});  // by DHCP inside
  RoutePlanInput input = join();
  input.accepted = {prefix("0.0.0.0/0")};
  const std::vector<std::string> all = lines(make_route_plan(input, facts).lasting);
  EXPECT_THAT(all, Not(Contains(HasSubstr("throw route 193.6.37"))));
  EXPECT_THAT(all, Not(Contains(HasSubstr("throw route 0.0.0.0/1"))));
  EXPECT_THAT(all, Not(Contains(HasSubstr("throw route 193.6.34.0/24"))));  // public, assigned from outside
}

TEST(RoutePlan, KeepsALaptopsPrivateNetworkOutOfAFullTunnel) {
  HostFacts facts;
  facts.interfaces = {{"wlan0", true, false, false, {{address("192.168.1.7"), 24}}}};
  facts.routes = {{prefix("0.0.0.0/0"), "wlan0", address("192.168.1.1"), 254, 16}};
  RoutePlanInput input = join();
  input.accepted = {prefix("0.0.0.0/0")};
  input.offered.clear();
  EXPECT_THAT(lines(make_route_plan(input, facts).lasting),
              Contains("throw route 192.168.1.0/24 table 7203"));
}

TEST(RoutePlan, ForwardsNothingForACallerThatOffersNothing) {
  RoutePlanInput input = join();
  input.offered.clear();
  const RoutePlan plan = make_route_plan(input, fellini());
  for (const std::string& line : lines(plan.lasting)) EXPECT_THAT(line, Not(HasSubstr("forwarding")));
}

TEST(RoutePlan, GivesAPeersAddressOutsideItsPrefixesARoute) {
  RoutePlanInput input = join();
  input.remote_ipv4 = address("10.9.9.2");
  const RoutePlan plan = make_route_plan(input, fellini());
  EXPECT_THAT(lines(plan.while_up), Contains("route 10.9.9.2/32 dev isth0 src 193.6.35.12 table 7203"));
  EXPECT_THAT(lines(plan.lasting), Contains("unreachable route 10.9.9.2/32 table 7203"));
}

TEST(RoutePlan, NeverRoutesTheOuterEndpointAsAGatewayAddress) {
  RoutePlanInput input = join();
  input.remote_ipv4 = address("193.6.36.12");
  const RoutePlan plan = make_route_plan(input, fellini());
  for (const std::string& line : lines(plan.while_up)) EXPECT_THAT(line, Not(HasSubstr("193.6.36.12/32")));
  EXPECT_THAT(plan.warnings, Contains(HasSubstr("stays outside the tunnel")));
}

TEST(RoutePlan, AnswersArpForACallerWithAnAddressOfOurLan) {
  RoutePlanInput input = join();
  input.accepted.clear();
  input.remote_ipv4 = address("193.6.35.200");
  const RoutePlan plan = make_route_plan(input, fellini());
  EXPECT_THAT(lines(plan.lasting), Contains("proxy neighbour 193.6.35.200 dev eth1"));
  EXPECT_THAT(lines(plan.while_up), Contains("route 193.6.35.200/32 dev isth0 src 193.6.35.12 table 7203"));
}

TEST(RoutePlan, AnswersArpForSmallPrefixesInsideOurLanWhenAsked) {
  RoutePlanInput input = join();
  input.accepted = {prefix("193.6.35.192/29")};
  input.remote_ipv4 = address("193.6.35.193");
  EXPECT_THAT(lines(make_route_plan(input, fellini()).lasting), Not(Contains(HasSubstr("proxy"))));
  input.proxy_arp = true;
  const std::vector<std::string> all = lines(make_route_plan(input, fellini()).lasting);
  EXPECT_EQ(std::ranges::count_if(all, [](const auto& line) { return line.starts_with("proxy"); }), 8);
  EXPECT_THAT(all, Contains("proxy neighbour 193.6.35.199 dev eth1"));
}

TEST(RoutePlan, ProxiesNeitherOurOwnAddressNorTheEdgesOfTheLan) {
  HostFacts facts = fellini();
  RoutePlanInput input = join();
  input.proxy_arp = true;
  input.accepted = {prefix("193.6.35.0/28"), prefix("193.6.35.240/28")};
  const std::vector<std::string> all = lines(make_route_plan(input, facts).lasting);
  for (const char* own : {"proxy neighbour 193.6.35.0 dev eth1", "proxy neighbour 193.6.35.12 dev eth1",
                          "proxy neighbour 193.6.35.255 dev eth1"})
    EXPECT_THAT(all, Not(Contains(own)));
  EXPECT_THAT(all, Contains("proxy neighbour 193.6.35.1 dev eth1"));
}

TEST(RoutePlan, WarnsInsteadOfProxyingALargeRange) {
  HostFacts facts = fellini();
  facts.interfaces[2].addresses[0].prefix_length = 16;
  RoutePlanInput input = join();
  input.accepted = {prefix("193.6.128.0/20")};
  input.proxy_arp = true;
  EXPECT_THAT(make_route_plan(input, facts).warnings, Contains(HasSubstr("more than 256 addresses")));
}

TEST(RoutePlan, PreparesRouterAdvertisementsBeforeItForwardsIpv6) {
  RoutePlanInput input = join();
  input.offered.push_back(prefix("2001:db8:35::/64"));
  input.accepted.push_back(prefix("2001:db8:37::/64"));
  const std::vector<std::string> all = lines(make_route_plan(input, fellini()).lasting);
  const auto at = [&](const char* text) { return std::ranges::find(all, text) - all.begin(); };
  EXPECT_LT(at("sysctl net.ipv6.conf.eth0.accept_ra=2"), at("sysctl net.ipv6.conf.all.forwarding=1"));
  EXPECT_THAT(all, Not(Contains("sysctl net.ipv6.conf.eth1.accept_ra=2")));
  EXPECT_THAT(all, Contains("rule 7203: ipv6 table 7203"));
}

TEST(RoutePlan, LeavesARoutersRefusalOfAdvertisementsAlone) {
  HostFacts facts = fellini();
  facts.sysctls["net.ipv6.conf.all.forwarding"] = "1";
  RoutePlanInput input = join();
  input.offered.push_back(prefix("2001:db8:35::/64"));
  EXPECT_THAT(lines(make_route_plan(input, facts).lasting),
              Not(Contains("sysctl net.ipv6.conf.eth0.accept_ra=2")));
}

TEST(RoutePlan, TouchesNoIpv6SettingsOfAKernelWithoutIt) {
  HostFacts facts = fellini();
  facts.sysctls.erase("net.ipv6.conf.all.forwarding");
  for (const std::string& line : lines(make_route_plan(join(), facts).lasting))
    EXPECT_THAT(line, Not(HasSubstr("net.ipv6")));
}

TEST(RoutePlan, LoosensStrictReversePathFiltersAndNoOthers) {
  const auto sets_filter = [](const char* all_value, const char* preset) {
    HostFacts facts = fellini();
    facts.sysctls["net.ipv4.conf.all.rp_filter"] = all_value;
    facts.sysctls["net.ipv4.conf.default.rp_filter"] = preset;
    const std::vector<std::string> all = lines(make_route_plan(join(), facts).lasting);
    return std::ranges::count(all, "sysctl net.ipv4.conf.isth0.rp_filter=2") == 1;
  };
  EXPECT_FALSE(sets_filter("0", "0"));
  EXPECT_TRUE(sets_filter("1", "0"));
  EXPECT_TRUE(sets_filter("0", "1"));
  EXPECT_TRUE(sets_filter("1", "1"));
  EXPECT_FALSE(sets_filter("2", "1"));
  EXPECT_FALSE(sets_filter("0", "2"));
}

TEST(RoutePlan, LoosensTheOutsideOnlyWhereAPrefixCoversTheOuterConnection) {
  HostFacts facts = fellini();
  facts.sysctls["net.ipv4.conf.eth0.rp_filter"] = "1";
  RoutePlanInput input = join();
  EXPECT_THAT(lines(make_route_plan(input, facts).lasting),
              Not(Contains("sysctl net.ipv4.conf.eth0.rp_filter=2")));
  input.accepted = {prefix("0.0.0.0/0")};
  EXPECT_THAT(lines(make_route_plan(input, facts).lasting),
              Contains("sysctl net.ipv4.conf.eth0.rp_filter=2"));
}

// The peer's datagrams may come over IPv4 though ssh goes over IPv6.
TEST(RoutePlan, LoosensTheOutsideWhereDatagramsOfIpv4ComeFromWhatAFullTunnelCovers) {
  HostFacts facts = fellini();
  facts.sysctls["net.ipv4.conf.eth0.rp_filter"] = "1";
  RoutePlanInput input = join();
  input.outer = {{address("2001:db8:36::12"), 22}};
  input.accepted = {prefix("0.0.0.0/0")};
  EXPECT_THAT(lines(make_route_plan(input, facts).lasting),
              Not(Contains("sysctl net.ipv4.conf.eth0.rp_filter=2")));
  input.datagram_port = 4500;
  EXPECT_THAT(lines(make_route_plan(input, facts).lasting),
              Contains("sysctl net.ipv4.conf.eth0.rp_filter=2"));
}

TEST(RoutePlan, WritesADotInAnInterfaceNameAsASlash) {
  HostFacts facts = fellini();
  facts.interfaces[2].name = "eth1.7";
  facts.routes[2].interface = "eth1.7";
  EXPECT_THAT(lines(make_route_plan(join(), facts).lasting),
              Contains("sysctl net.ipv4.conf.eth1/7.forwarding=1"));
}

TEST(RoutePlan, WarnsOfAnOfferThatLeadsNowhere) {
  RoutePlanInput input = join();
  input.offered.push_back(prefix("10.77.0.0/16"));
  EXPECT_THAT(make_route_plan(input, fellini()).warnings, Contains(HasSubstr("10.77.0.0/16")));
}

// CVE-2019-14899.
TEST(RoutePlan, ShieldsTheTunnelsAddressFromOtherInterfaces) {
  EXPECT_THAT(filter_of(make_route_plan(join(), fellini())),
              HasSubstr("ip daddr 193.6.35.12 iifname != { \"eth1\" } meta iiftype != 65534 counter drop"));
}

TEST(RoutePlan, LeavesTheAddressThatSshIsConnectedToReachable) {
  RoutePlanInput input = join();
  input.outer_local = {address("193.6.35.12")};
  EXPECT_THAT(filter_of(make_route_plan(input, fellini())), Not(HasSubstr("ip daddr 193.6.35.12")));
}

TEST(RoutePlan, GuardsRemotePrefixesBothWays) {
  const std::string body = filter_of(make_route_plan(join(), fellini()));
  EXPECT_THAT(body, HasSubstr("ip saddr { 193.6.37.0/24 } counter drop"));
  EXPECT_THAT(body, HasSubstr("ip daddr { 193.6.37.0/24 } counter drop"));
}

TEST(RoutePlan, WithoutTheGuardStillChecksWhatComesOutOfTheTunnel) {
  RoutePlanInput input = join();
  input.guard = false;
  const std::string body = filter_of(make_route_plan(input, fellini()));
  EXPECT_THAT(body, Not(HasSubstr("ip daddr { 193.6.37.0/24 } counter drop")));
  EXPECT_THAT(body, HasSubstr("ip saddr { 193.6.37.0/24 } accept\n"));
  EXPECT_THAT(body, HasSubstr("ip daddr { 193.6.35.0/24 } accept\n"));
}

TEST(RoutePlan, LetsNothingOfOursOutOfTheTunnel) {
  const std::string body = filter_of(make_route_plan(join(), fellini()));
  const std::size_t chain = body.find("chain from_tunnel");
  const std::size_t first_accept = body.find("accept", chain);
  ASSERT_NE(first_accept, std::string::npos);
  EXPECT_LT(body.find("fib saddr type local counter drop", chain), first_accept);
}

TEST(RoutePlan, LetsNothingThatIsNeverRoutedThroughThoughADefaultRouteHoldsIt) {
  RoutePlanInput input = join();
  input.accepted = {prefix("0.0.0.0/0"), prefix("::/0")};
  input.offered = {prefix("0.0.0.0/0"), prefix("::/0")};
  const std::string body = filter_of(make_route_plan(input, fellini()));
  const std::string ipv4 =
      "{ 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16, 224.0.0.0/4, 240.0.0.0/4 } counter drop";
  const std::string ipv6 = "{ ::/96, ::ffff:0.0.0.0/96, fe80::/10, ff00::/8 } counter drop";
  EXPECT_LT(body.find("ip saddr " + ipv4), body.find("ip saddr { 0.0.0.0/0 } accept"));
  EXPECT_LT(body.find("ip6 saddr " + ipv6), body.find("ip6 saddr { ::/0 } accept"));
  EXPECT_LT(body.find("ip daddr " + ipv4), body.find("ip daddr { 0.0.0.0/0 } accept"));
  EXPECT_LT(body.find("ip6 daddr " + ipv6), body.find("ip6 daddr { ::/0 } accept"));
  EXPECT_LT(body.find("ip6 saddr fe80::/10 accept"), body.find("ip6 saddr " + ipv6)) << "the tunnel's own";
}

TEST(RoutePlan, LeavesNeighbourDiscoveryOutsideAlone) {
  RoutePlanInput input = join();
  input.accepted = {prefix("::/0")};
  const std::string body = filter_of(make_route_plan(input, fellini()));
  EXPECT_LT(body.find("nd-neighbor-solicit"), body.find("ip6 saddr { ::/0 } counter drop"));
  EXPECT_LT(body.rfind("nd-neighbor-solicit"), body.find("ip6 daddr { ::/0 } counter drop"));
}

TEST(RoutePlan, MasqueradesThePeerTowardsOurLan) {
  RoutePlanInput input = join();
  input.masquerade = true;
  EXPECT_THAT(filter_of(make_route_plan(input, fellini())),
              HasSubstr("ip saddr { 193.6.37.0/24 } oifname { \"eth1\" } masquerade"));
}

TEST(RoutePlan, FiltersNothingOfAPlainPeerWithoutPrefixes) {
  RoutePlanInput input;
  input.interface = "isth0";
  const std::string body = filter_of(make_route_plan(input, fellini()));
  EXPECT_THAT(body, Not(HasSubstr("drop")));
  EXPECT_THAT(body, HasSubstr("set rt mtu"));
}

TEST(RoutePlan, NamesEverySysctlItMayChange) {
  const std::vector<std::string> keys = sysctls_of_interest("isth0", fellini());
  RoutePlanInput input = join();
  input.accepted = {prefix("0.0.0.0/0"), prefix("2001:db8:35:0:1::/120")};
  input.offered.push_back(prefix("2001:db8:35::/64"));
  input.proxy_arp = true;
  HostFacts facts = fellini();
  facts.sysctls["net.ipv4.conf.all.rp_filter"] = "1";
  for (const HostChange& change : make_route_plan(input, facts).lasting) {
    const auto* sysctl = std::get_if<SysctlChange>(&change);
    if (sysctl == nullptr) continue;
    EXPECT_THAT(keys, Contains(sysctl->key));
  }
}

TEST(HostFacts, FindsTheInterfaceOfTheNarrowestNetwork) {
  HostFacts facts = fellini();
  facts.interfaces.push_back({"eth2", true, false, false, {{address("193.6.35.65"), 26}}});
  EXPECT_EQ(facts.interface_towards(address("193.6.35.70"))->name, "eth2");
  EXPECT_EQ(facts.interface_towards(address("193.6.35.7"))->name, "eth1");
  EXPECT_EQ(facts.interface_towards(address("127.0.0.5")), nullptr);
}

TEST(HostFacts, FindsOurAddressInsideAPrefix) {
  HostFacts facts = fellini();
  EXPECT_EQ(facts.address_within(prefix("193.6.35.0/24")), address("193.6.35.12"));
  EXPECT_EQ(facts.address_within(prefix("193.6.35.0/24"), "eth1"), std::nullopt);
  EXPECT_EQ(facts.address_within(prefix("127.0.0.0/8")), std::nullopt);
  EXPECT_TRUE(facts.owns(address("::1")));
  EXPECT_FALSE(facts.owns(address("193.6.35.13")));
}

TEST(HostChange, DescribesEveryKindInOneLine) {
  EXPECT_EQ(describe(RouteChange{prefix("10.0.0.0/8"), RouteKind::kThrow, "", {}, 7200, 0}),
            "throw route 10.0.0.0/8 table 7200");
  EXPECT_EQ(describe(SysctlChange{"net.ipv4.conf.eth0.forwarding", "1"}),
            "sysctl net.ipv4.conf.eth0.forwarding=1");
  EXPECT_EQ(describe(RuleChange{Family::kIpv6, 7000, 254, prefix("2001:db8::1"), 6, 22}),
            "rule 7000: ipv6 to 2001:db8::1/128 tcp port 22 table main");
}

}  // namespace
}  // namespace isthmus
