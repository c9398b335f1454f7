#include "config/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace isthmus::config {
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

HostFacts fellini() {
  HostFacts facts;
  facts.interfaces = {
      {"lo", true, true, false, {{address("127.0.0.1"), 8}, {address("::1"), 128}}},
      {"eth0", true, false, false, {{address("193.6.34.12"), 24}, {address("fe80::1"), 64}}},
      {"eth1", true, false, false, {{address("193.6.35.12"), 24}, {address("2001:db8:35::12"), 64}}}};
  facts.routes = {{prefix("0.0.0.0/0"), "eth0", address("193.6.34.1"), 254, 3}};
  return facts;
}

PeerPolicy accepting(std::vector<Prefix> accepts) {
  PeerPolicy policy;
  policy.name = "polanski";
  policy.accepts = std::move(accepts);
  return policy;
}

const JudgeContext kContext{{{address("193.6.36.12"), 22}}, 7200};

// Why `offer` is refused, or "" if it is accepted.
std::string verdict(const char* offer, const PeerPolicy& policy) {
  const Judgement judgement = judge_offers({prefix(offer)}, policy, fellini(), kContext);
  EXPECT_EQ(judgement.verdicts.size(), 1U);
  EXPECT_EQ(judgement.verdicts[0].accepted, judgement.verdicts[0].reason.empty());
  EXPECT_EQ(judgement.refused_any(), !judgement.verdicts[0].accepted);
  return judgement.verdicts[0].reason;
}

TEST(Policy, AcceptsWhatAnAcceptedPrefixContains) {
  EXPECT_EQ(verdict("193.6.37.0/24", accepting({prefix("193.6.37.0/24")})), "");
  EXPECT_EQ(verdict("193.6.37.128/25", accepting({prefix("193.6.37.0/24")})), "");
  EXPECT_EQ(verdict("2001:db8:37::/64", accepting({prefix("2001:db8:37::/48")})), "");
}

TEST(Policy, RefusesTheRestWithTheFlagOrLineThatWouldPermitIt) {
  EXPECT_THAT(verdict("193.6.0.0/16", accepting({prefix("193.6.37.0/24")})),
              HasSubstr("--accept 193.6.0.0/16"));
  EXPECT_THAT(verdict("193.6.37.0/24", accepting({})), HasSubstr("--accept 193.6.37.0/24"));
  PeerPolicy file = accepting({});
  file.origin = PolicyOrigin::kPeerFile;
  EXPECT_THAT(verdict("193.6.37.0/24", file),
              HasSubstr("accept = [\"193.6.37.0/24\"] in /etc/isthmus/peers/polanski.toml"));
}

TEST(Policy, AcceptsADefaultRouteOnlyWhenWrittenOut) {
  EXPECT_EQ(verdict("0.0.0.0/0", accepting({prefix("0.0.0.0/0")})), "");
  EXPECT_NE(verdict("0.0.0.0/1", accepting({prefix("0.0.0.0/0")})), "");
  EXPECT_NE(verdict("128.0.0.0/1", accepting({prefix("0.0.0.0/0")})), "");
  EXPECT_NE(verdict("0.0.0.0/0", accepting({prefix("0.0.0.0/1")})), "");
  EXPECT_NE(verdict("::/0", accepting({prefix("0.0.0.0/0")})), "");
}

// FAULTS F23.
TEST(Policy, NeverAcceptsWhatNobodyMayClaim) {
  for (const char* offer : {"127.0.0.0/8", "127.0.0.1", "169.254.0.0/16", "169.254.9.0/24", "224.0.0.0/4",
                            "239.1.1.1", "0.0.0.0/8", "240.0.0.0/4", "255.255.255.255", "fe80::/10",
                            "fe80::1", "ff00::/8", "::1", "::ffff:1.2.3.4"}) {
    const PeerPolicy policy = accepting({prefix(offer), prefix("0.0.0.0/0"), prefix("::/0")});
    EXPECT_THAT(verdict(offer, policy), HasSubstr("never")) << offer;
  }
}

TEST(Policy, NeverAcceptsOurAddressesOrNetworks) {
  for (const char* offer : {"193.6.35.12", "193.6.34.12", "193.6.35.0/24", "193.6.34.0/24", "193.6.35.0/28",
                            "2001:db8:35::12", "2001:db8:35::/64"}) {
    PeerPolicy policy = accepting({prefix(offer)});
    policy.proxy_arp = true;
    EXPECT_NE(verdict(offer, policy), "") << offer;
  }
}

// As a router has one for itself.
TEST(Policy, NeverAcceptsAnAddressOfOursThatLiesInNoNetwork) {
  HostFacts facts = fellini();
  facts.interfaces[0].addresses.push_back({address("198.51.100.1"), 32});
  const PeerPolicy policy = accepting({prefix("198.51.100.1"), prefix("198.51.100.2")});
  EXPECT_TRUE(judge_offers({prefix("198.51.100.1")}, policy, facts, kContext).refused_any());
  EXPECT_FALSE(judge_offers({prefix("198.51.100.2")}, policy, facts, kContext).refused_any());
}

TEST(Policy, AcceptsASupernetOfOurNetworkOnlyWhenWrittenOut) {
  EXPECT_EQ(verdict("193.6.0.0/16", accepting({prefix("193.6.0.0/16"), prefix("193.0.0.0/8")})), "");
  EXPECT_THAT(verdict("193.6.32.0/19", accepting({prefix("193.6.0.0/16")})),
              HasSubstr("covers our own network"));
}

TEST(Policy, AcceptsAPartOfOurNetworkOnlyForProxyArp) {
  PeerPolicy policy = accepting({prefix("193.6.35.128/28")});
  EXPECT_THAT(verdict("193.6.35.128/28", policy), HasSubstr("--proxy-arp"));
  policy.proxy_arp = true;
  EXPECT_EQ(verdict("193.6.35.128/28", policy), "");
  EXPECT_NE(verdict("193.6.35.128/29", policy), "");  // not written out
}

TEST(Policy, GuardsTheOuterEndpoint) {
  EXPECT_THAT(verdict("193.6.36.12", accepting({prefix("193.6.36.12")})), HasSubstr("ssh itself"));
  EXPECT_THAT(verdict("193.6.36.0/25", accepting({prefix("193.6.36.0/24")})), HasSubstr("ssh itself"));
  EXPECT_EQ(verdict("193.6.36.0/24", accepting({prefix("193.6.36.0/24")})), "");
}

TEST(Policy, RefusesWhatAnotherSessionHas) {
  HostFacts facts = fellini();
  facts.routes.push_back({prefix("10.50.0.0/16"), "isth1", {}, 7201, 115});
  const PeerPolicy policy = accepting({prefix("10.0.0.0/8"), prefix("0.0.0.0/0")});
  for (const char* offer : {"10.50.7.0/24", "10.0.0.0/8", "0.0.0.0/0"}) {
    const Judgement judgement = judge_offers({prefix(offer)}, policy, facts, kContext);
    EXPECT_THAT(judgement.verdicts[0].reason, HasSubstr("10.50.0.0/16, which another session has on isth1"));
  }
  EXPECT_FALSE(judge_offers({prefix("10.50.7.0/24")}, policy, facts, {{}, 7201}).refused_any());
}

TEST(Policy, RefusesWhatAHeldSessionHas) {
  HostFacts facts = fellini();
  facts.fallbacks.push_back({prefix("10.50.0.0/16"), "", {}, 7201, 115});
  const Judgement judgement =
      judge_offers({prefix("10.50.7.0/24")}, accepting({prefix("10.0.0.0/8")}), facts, kContext);
  EXPECT_THAT(judgement.verdicts[0].reason, HasSubstr("a tunnel that is down"));
  EXPECT_FALSE(judge_offers({prefix("10.50.7.0/24")}, accepting({prefix("10.0.0.0/8")}), facts, {{}, 7201})
                   .refused_any());
}

// 10.20.0.0/16 is behind a router in our LAN, 10.30.0.0/16 was pushed to us, 10.40.0.0/16 is outside.
HostFacts with_inner_router() {
  HostFacts facts = fellini();
  facts.routes.push_back({prefix("10.20.0.0/16"), "eth1", address("193.6.35.1"), 254, 4});
  facts.routes.push_back({prefix("10.30.0.0/16"), "eth1", address("193.6.35.2"), 254, 16});
  facts.routes.push_back({prefix("10.40.0.0/16"), "eth0", address("193.6.34.1"), 254, 4});
  return facts;
}

std::string verdict_at_inner_router(const char* offer, const PeerPolicy& policy) {
  return judge_offers({prefix(offer)}, policy, with_inner_router(), kContext).verdicts[0].reason;
}

TEST(Policy, RefusesPartsOfOurNetworksBehindAnotherRouterUnlessWrittenOut) {
  const PeerPolicy policy = accepting({prefix("10.0.0.0/8"), prefix("10.20.9.0/24")});
  EXPECT_THAT(verdict_at_inner_router("10.20.5.0/24", policy), HasSubstr("inside 10.20.0.0/16"));
  EXPECT_THAT(verdict_at_inner_router("10.20.0.0/16", policy), HasSubstr("inside 10.20.0.0/16"));
  for (const char* offer : {"10.20.9.0/24", "10.0.0.0/8", "10.30.5.0/24", "10.40.5.0/24", "10.60.0.0/16"})
    EXPECT_EQ(verdict_at_inner_router(offer, policy), "") << offer;
}

TEST(Policy, RefusesWhatOverlapsOurOwnOfferUnlessWrittenOut) {
  PeerPolicy policy = accepting({prefix("10.0.0.0/8"), prefix("10.70.9.0/24")});
  policy.offers = {prefix("10.70.0.0/16"), prefix("0.0.0.0/0")};
  EXPECT_THAT(verdict("10.70.5.0/24", policy), HasSubstr("overlaps 10.70.0.0/16"));
  EXPECT_THAT(verdict("10.64.0.0/10", policy), HasSubstr("overlaps 10.70.0.0/16"));
  for (const char* offer : {"10.70.9.0/24", "10.0.0.0/8", "10.80.0.0/16"})
    EXPECT_EQ(verdict(offer, policy), "") << offer;
}

TEST(Policy, LetsNoAdoptedRequestNameOurNetworksItsOwn) {
  session::Hello hello;
  hello.offers = {prefix("10.20.5.0/24"), prefix("10.20.0.0/16"), prefix("10.70.0.0/16"),
                  prefix("10.80.0.0/16")};
  hello.wants = {prefix("0.0.0.0/0"), prefix("10.70.0.0/16")};
  const PeerPolicy policy = adopt_request(hello, {});
  EXPECT_THAT(verdict_at_inner_router("10.20.5.0/24", policy), HasSubstr("in /etc/isthmus/peers"));
  EXPECT_NE(verdict_at_inner_router("10.20.0.0/16", policy), "");
  EXPECT_NE(verdict_at_inner_router("10.70.0.0/16", policy), "");
  EXPECT_EQ(verdict_at_inner_router("10.80.0.0/16", policy), "");
}

TEST(Policy, JudgesEachOfferByItself) {
  const Judgement judgement = judge_offers({prefix("193.6.37.0/24"), prefix("10.0.0.0/8")},
                                           accepting({prefix("193.6.37.0/24")}), fellini(), kContext);
  EXPECT_THAT(judgement.accepted(), ElementsAre(prefix("193.6.37.0/24")));
  EXPECT_EQ(judgement.verdicts[1].prefix, prefix("10.0.0.0/8"));
}

TEST(Policy, AdoptsARootLoginsRequestLessWhatIsDenied) {
  session::Hello hello;
  hello.name = "fellini";
  hello.offers = {prefix("10.1.0.0/16"), prefix("10.9.0.0/16")};
  hello.wants = {prefix("193.6.35.0/24"), prefix("10.9.1.0/24"), prefix("127.0.0.0/8")};
  SitePolicy site;
  site.deny = {prefix("10.9.0.0/16")};
  const PeerPolicy policy = adopt_request(hello, site);
  EXPECT_THAT(policy.offers, ElementsAre(prefix("193.6.35.0/24")));
  EXPECT_EQ(verdict("10.1.0.0/16", policy), "");
  EXPECT_THAT(verdict("10.9.0.0/16", policy), HasSubstr("policy.toml"));
  EXPECT_THAT(verdict("10.0.0.0/8", policy), HasSubstr("policy.toml"));
}

TEST(Policy, NamesWantsThatThePeerDoesNotServe) {
  const PeerPolicy policy = accepting({prefix("10.0.0.0/8"), prefix("193.6.37.0/24")});
  EXPECT_THAT(unserved_wants(policy, {prefix("10.7.0.0/16")}), ElementsAre(HasSubstr("193.6.37.0/24")));
  EXPECT_THAT(unserved_wants(policy, {prefix("10.7.0.0/16"), prefix("193.6.37.0/24")}), IsEmpty());
}

TEST(Policy, NamesOffersThatNothingLeadsTo) {
  PeerPolicy policy;
  policy.offers = {prefix("10.8.0.0/16"), prefix("193.6.0.0/16"), prefix("193.6.35.128/25"),
                   prefix("0.0.0.0/0")};
  EXPECT_THAT(unled_offers(policy, fellini(), 7200),
              ElementsAre(HasSubstr("nothing on this machine leads to 10.8.0.0/16")));
  policy.origin = PolicyOrigin::kAdopted;
  EXPECT_THAT(unled_offers(policy, fellini(), 7200),
              ElementsAre(HasSubstr("nothing at the called end leads to 10.8.0.0/16")));
}

TEST(Policy, TakesARouteOfOursOrOfAnotherSessionForALead) {
  PeerPolicy policy;
  policy.offers = {prefix("10.0.0.0/8")};
  HostFacts facts = fellini();
  facts.routes.push_back({prefix("10.20.0.0/16"), "isth1", std::nullopt, 7201, 115});
  EXPECT_THAT(unled_offers(policy, facts, 7200), IsEmpty());
  EXPECT_THAT(unled_offers(policy, facts, 7201), testing::SizeIs(1));  // our own route does not lead there
}

TEST(Policy, BelievesOffersBesideAWrittenAddress) {
  PeerPolicy policy;
  policy.offers = {prefix("10.8.0.0/16")};
  policy.ipv4 = {address("192.168.0.1"), std::nullopt};
  EXPECT_THAT(unled_offers(policy, fellini(), 7200), IsEmpty());
}

TEST(Policy, LendsFromInnerNetworksWhereEverythingIsOffered) {
  PeerPolicy policy;
  policy.offers = {prefix("0.0.0.0/0")};
  EXPECT_THAT(lendable_networks(policy, fellini(), kContext.outer), ElementsAre(prefix("193.6.35.0/24")));
  HostFacts single = fellini();
  single.interfaces.pop_back();
  EXPECT_THAT(lendable_networks(policy, single, kContext.outer), IsEmpty());
}

// ---- which policy a called end uses ----

AttachContext root_login() {
  AttachContext context;
  context.is_root = true;
  context.is_root_login = true;
  return context;
}

TEST(PeerChoice, AdoptsTheRequestOfADirectRootLogin) {
  EXPECT_EQ(select_peer(root_login(), {})->kind, PeerChoice::Kind::kAdopt);
  SitePolicy site;
  site.adopt_root = false;
  EXPECT_THAT(select_peer(root_login(), site).error().message, HasSubstr("adopt_root"));
}

TEST(PeerChoice, AdoptsNothingButALoginThatSshShows) {
  AttachContext context = root_login();
  context.is_root_login = false;
  EXPECT_THAT(select_peer(context, {}).error().message, HasSubstr("/etc/isthmus/peers/NAME.toml"));
  context.peer_flag = "fellini";
  EXPECT_EQ(select_peer(context, {})->kind, PeerChoice::Kind::kFile);
}

TEST(PeerChoice, TakesTheNamedFile) {
  AttachContext context = root_login();
  context.peer_flag = "fellini";
  context.has_forced_command = true;
  const PeerChoice choice = select_peer(context, {}).value();
  EXPECT_EQ(choice.kind, PeerChoice::Kind::kFile);
  EXPECT_EQ(choice.name, "fellini");
  EXPECT_TRUE(check_listed(choice, {}));
}

TEST(PeerChoice, AdoptsNothingUnderAForcedCommand) {
  AttachContext context = root_login();
  context.has_forced_command = true;
  EXPECT_THAT(select_peer(context, {}).error().message, HasSubstr("--peer NAME"));
}

TEST(PeerChoice, BelievesOnlyAFileThroughSudo) {
  AttachContext context = root_login();
  context.sudo_user = "slave";
  EXPECT_EQ(select_peer(context, {})->name, "slave");
  EXPECT_EQ(select_peer(context, {})->kind, PeerChoice::Kind::kFile);
  context.has_forced_command = true;
  EXPECT_EQ(select_peer(context, {})->kind, PeerChoice::Kind::kFile);
}

TEST(PeerChoice, LetsASudoUserHaveAnotherFileOnlyWhenItListsHim) {
  AttachContext context = root_login();
  context.sudo_user = "slave";
  context.peer_flag = "fellini";
  const PeerChoice choice = select_peer(context, {}).value();
  PeerPolicy policy;
  EXPECT_THAT(check_listed(choice, policy).error().message, HasSubstr("sudo_users = [\"slave\"]"));
  policy.sudo_users = {"slave"};
  EXPECT_TRUE(check_listed(choice, policy));
  context.peer_flag = "slave";
  EXPECT_TRUE(check_listed(select_peer(context, {}).value(), PeerPolicy{}));
}

TEST(PeerChoice, RefusesAnyoneWithoutRoot) {
  EXPECT_FALSE(select_peer(AttachContext{}, {}));
  AttachContext context = root_login();
  context.is_root = false;
  EXPECT_THAT(select_peer(context, {}).error().message, HasSubstr("attach needs root"));
}

TEST(PeerChoice, OpensNoFileByAHostileName) {
  for (const char* name : {"", "..", "../shadow", "a/b", ".x", "-x", "a b", "a\n", "$(id)", "a;b", "%n"}) {
    AttachContext context = root_login();
    context.peer_flag = name;
    EXPECT_FALSE(select_peer(context, {})) << name;
    context.peer_flag.reset();
    context.sudo_user = name;
    EXPECT_EQ(select_peer(context, {}).has_value(), std::string_view{name}.empty()) << name;
  }
}

// ---- which session a stream may join ----

TEST(JoiningStream, OfAFileJoinsNoSessionWithoutThatFile) {
  const JoiningStream fellini{"fellini", address("193.6.34.12")};
  EXPECT_TRUE(check_joins({"fellini", PolicyOrigin::kPeerFile, false, {}}, fellini));
  EXPECT_FALSE(check_joins({"polanski", PolicyOrigin::kPeerFile, false, {}}, fellini));
  EXPECT_FALSE(check_joins({"fellini", PolicyOrigin::kAdopted, false, {}}, fellini));
}

TEST(JoiningStream, OfAFileJoinsAnUpOnlyWhereItsUserNamedThePeer) {
  const JoiningStream fellini{"fellini", address("193.6.34.12")};
  EXPECT_TRUE(check_joins({"fellini", PolicyOrigin::kCommandLine, true, {}}, fellini));
  EXPECT_THAT(check_joins({"fellini", PolicyOrigin::kCommandLine, false, {address("193.6.34.12")}}, fellini)
                  .error()
                  .message,
              HasSubstr("--name fellini"));
}

TEST(JoiningStream, OfAnAdoptedLoginJoinsAnUpOnlyFromWhereThatIsConnected) {
  const StandingSession up{"fellini", PolicyOrigin::kCommandLine, true, {address("193.6.34.12")}};
  EXPECT_TRUE(check_joins(up, {"", address("193.6.34.12")}));
  EXPECT_FALSE(check_joins(up, {"", address("193.6.34.13")}));
  EXPECT_FALSE(check_joins(up, {"", std::nullopt}));
  EXPECT_FALSE(check_joins({"fellini", PolicyOrigin::kPeerFile, false, {}}, {"", address("193.6.34.12")}));
  EXPECT_TRUE(check_joins({"fellini", PolicyOrigin::kAdopted, false, {}}, {"", std::nullopt}));
}

TEST(BeyondFile, IsWhatTheCommandLinePermitsAndTheFileDoesNot) {
  PeerPolicy file = accepting({prefix("193.6.37.0/24")});
  file.offers = {prefix("193.6.35.0/24")};
  PeerPolicy words = accepting({prefix("193.6.37.128/25")});
  words.offers = {prefix("193.6.35.0/24")};
  words.ipv4.remote = address("193.6.37.12");
  EXPECT_THAT(beyond_file(words, file), IsEmpty());
  words.accepts.push_back(prefix("0.0.0.0/0"));
  words.offers = {prefix("193.6.0.0/16")};
  words.ipv4.remote = address("10.0.0.1");
  words.proxy_arp = words.masquerade = true;
  words.guard = false;
  EXPECT_THAT(
      beyond_file(words, file),
      ElementsAre(HasSubstr("--accept 0.0.0.0/0"), HasSubstr("--offer 193.6.0.0/16"), HasSubstr("--address"),
                  HasSubstr("--proxy-arp"), HasSubstr("--masquerade"), HasSubstr("--no-guard")));
}

TEST(BeyondFile, HoldsADefaultRouteThatIsNotWrittenOut) {
  const PeerPolicy file = accepting({prefix("0.0.0.0/0")});
  EXPECT_THAT(beyond_file(accepting({prefix("0.0.0.0/0")}), file), IsEmpty());
  EXPECT_THAT(beyond_file(accepting({prefix("10.0.0.0/8")}), file), ElementsAre(HasSubstr("10.0.0.0/8")));
}

// ---- addresses ----

TEST(Addresses, AreUnnumberedByDefault) {
  PeerPolicy policy;
  policy.offers = {prefix("193.6.35.0/24"), prefix("2001:db8:35::/48")};
  const TunnelAddresses chosen = choose_addresses(policy, fellini());
  EXPECT_EQ(chosen.ipv4.local, address("193.6.35.12"));
  EXPECT_EQ(chosen.ipv6.local, address("2001:db8:35::12"));
  EXPECT_FALSE(chosen.ipv4.remote);
}

TEST(Addresses, AreWhatIsWritten) {
  PeerPolicy policy;
  policy.offers = {prefix("193.6.35.0/24")};
  policy.ipv4 = {address("192.168.0.1"), address("192.168.0.2")};
  EXPECT_EQ(choose_addresses(policy, fellini()).ipv4, policy.ipv4);
}

TEST(Addresses, ComeFromTheWayOutWhereOnlyADefaultRouteIsOffered) {
  PeerPolicy policy;
  policy.offers = {prefix("0.0.0.0/0")};
  EXPECT_EQ(choose_addresses(policy, fellini()).ipv4.local, address("193.6.34.12"));
}

TEST(Addresses, OfACallerWithoutANetworkAreAskedFor) {
  EXPECT_FALSE(choose_addresses(accepting({prefix("10.0.0.0/8")}), fellini()).ipv4.local);
}

// FAULTS F24.
TEST(AddressPolicy, PermitsAPeerOnlyAddressesItMayHave) {
  PeerPolicy policy = accepting({prefix("193.6.37.0/24"), prefix("0.0.0.0/0")});
  policy.assign = {address("193.6.35.200")};
  const PeerAddressPolicy addresses{policy, fellini()};
  EXPECT_TRUE(addresses.permits_remote(address("193.6.37.12")));
  EXPECT_TRUE(addresses.permits_remote(address("193.6.35.200")));
  for (const char* hostile : {"0.0.0.0", "127.0.0.1", "255.255.255.255", "224.0.0.1", "169.254.1.1",
                              "240.0.0.1", "0.1.2.3", "193.6.35.12", "193.6.34.12", "193.6.35.77",
                              "193.6.34.1", "::1", "fe80::5", "ff02::1", "2001:db8:35::12"})
    EXPECT_FALSE(addresses.permits_remote(address(hostile))) << hostile;
}

TEST(AddressPolicy, PermitsNoAddressThatAnotherSessionsPeerHas) {
  HostFacts facts = fellini();
  facts.routes.push_back({prefix("193.6.37.12"), "isth1", {}, 7201, 115});
  facts.fallbacks.push_back({prefix("193.6.35.200"), "", {}, 7202, 115});
  facts.proxied = {address("193.6.37.13")};
  PeerPolicy policy = accepting({prefix("193.6.37.0/24")});
  policy.assign = {address("193.6.35.200")};
  const PeerAddressPolicy addresses{policy, facts, 7200};
  for (const char* taken : {"193.6.37.12", "193.6.37.13", "193.6.35.200"})
    EXPECT_FALSE(addresses.permits_remote(address(taken))) << taken;
  EXPECT_TRUE(addresses.permits_remote(address("193.6.37.14")));
  EXPECT_TRUE(PeerAddressPolicy(policy, facts, 7201).permits_remote(address("193.6.37.12")));
}

TEST(AddressPolicy, PermitsAPeerTheProxiedAddressThatItHadBefore) {
  HostFacts facts = fellini();
  facts.fallbacks.push_back({prefix("193.6.35.200"), "", {}, 7200, 115});
  facts.proxied = {address("193.6.35.200")};
  PeerPolicy policy = accepting({});
  policy.assign = {address("193.6.35.200")};
  EXPECT_TRUE(PeerAddressPolicy(policy, facts, 7200).permits_remote(address("193.6.35.200")));
}

TEST(AddressPolicy, PermitsNothingWithoutAnAccept) {
  const PeerAddressPolicy addresses{PeerPolicy{}, fellini()};
  EXPECT_FALSE(addresses.permits_remote(address("193.6.37.12")));
  EXPECT_FALSE(addresses.permits_local(address("193.6.37.99")));
}

TEST(AddressPolicy, HoldsToAWrittenAddress) {
  PeerPolicy policy = accepting({prefix("193.6.37.0/24")});
  policy.ipv4 = {address("192.168.0.1"), address("192.168.0.2")};
  const PeerAddressPolicy addresses{policy, fellini()};
  EXPECT_TRUE(addresses.permits_remote(address("192.168.0.2")));
  EXPECT_FALSE(addresses.permits_remote(address("193.6.37.12")));
  EXPECT_TRUE(addresses.permits_local(address("192.168.0.1")));
  EXPECT_FALSE(addresses.permits_local(address("192.168.0.3")));
}

TEST(AddressPolicy, LetsALaptopTakeAnAddressOfTheAcceptedNetwork) {
  const PeerAddressPolicy addresses{accepting({prefix("193.6.37.0/24")}), fellini()};
  EXPECT_TRUE(addresses.permits_local(address("193.6.37.200")));
  for (const char* hostile : {"8.8.8.8", "127.0.0.1", "0.0.0.0", "193.6.35.99", "193.6.35.12", "224.0.0.9"})
    EXPECT_FALSE(addresses.permits_local(address(hostile))) << hostile;
}

TEST(AddressPolicy, LetsALaptopTakeNoAddressOfItsOwnLanOrOfNoHostWhateverIsAccepted) {
  const PeerAddressPolicy addresses{accepting({prefix("0.0.0.0/0")}), fellini()};
  EXPECT_TRUE(addresses.permits_local(address("193.6.37.200")));
  for (const char* hostile : {"127.0.0.1", "0.0.0.0", "224.0.0.9", "255.255.255.255", "193.6.35.99"})
    EXPECT_FALSE(addresses.permits_local(address(hostile))) << hostile;
}

TEST(AddressPolicy, LetsNobodyRenumberAGateway) {
  PeerPolicy policy = accepting({prefix("193.6.37.0/24")});
  policy.offers = {prefix("193.6.35.0/24")};
  const PeerAddressPolicy addresses{policy, fellini()};
  EXPECT_TRUE(addresses.permits_local(address("193.6.35.12")));
  EXPECT_FALSE(addresses.permits_local(address("193.6.37.200")));
}

TEST(Policy, TakesEverythingFromTheCommandLine) {
  UpOptions options;
  options.name = "polanski";
  options.offers = {prefix("193.6.35.0/24")};
  options.accepts = {prefix("193.6.37.0/24")};
  options.proxy_arp = options.masquerade = true;
  options.guard = false;
  options.soft_limits = {1000, std::chrono::seconds{1}};
  options.hold = std::chrono::seconds{5};
  const PeerPolicy policy = policy_from_options(options);
  EXPECT_EQ(policy.origin, PolicyOrigin::kCommandLine);
  EXPECT_EQ(policy.offers, options.offers);
  EXPECT_TRUE(policy.proxy_arp && policy.masquerade && !policy.guard);
  EXPECT_EQ(policy.soft_limits, options.soft_limits);
  EXPECT_EQ(policy.hold, options.hold);
}

}  // namespace
}  // namespace isthmus::config
