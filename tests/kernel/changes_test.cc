#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tuple>
#include <vector>

#include "io/host_applier.h"
#include "io/netlink.h"
#include "io/netlink_monitor.h"
#include "io/nft.h"
#include "kernel/namespace_fixture.h"

namespace isthmus::io {
namespace {

struct Example {
  HostChange change;
  const char* look;   // prints nothing about it before and after…
  const char* sight;  // …and this while it is applied
};

class ChangesTest : public NamespaceTest {
 protected:
  static std::vector<Example> examples() {
    return {
        {AddressChange{"isth0", address("10.1.0.1"), 32, address("10.2.0.1")}, "ip addr show dev isth0",
         "inet 10.1.0.1 peer 10.2.0.1/32"},
        {AddressChange{"isth0", address("2001:db8:1::1"), 128, address("2001:db8:2::1")},
         "ip addr show dev isth0", "inet6 2001:db8:1::1 peer 2001:db8:2::1/128"},
        {AddressChange{"isth0", address("fe80::5"), 64, std::nullopt}, "ip -6 route show dev isth0",
         "fe80::/64 proto kernel"},
        {RouteChange{prefix("10.2.0.0/24"), RouteKind::kUnicast, "isth0", address("10.1.0.1"), 7200, 100},
         "ip route show table all",
         "10.2.0.0/24 dev isth0 table 7200 proto 115 scope link src 10.1.0.1 metric 100"},
        {RouteChange{prefix("10.2.0.0/24"), RouteKind::kUnreachable, "", std::nullopt, 7200, 4000},
         "ip route show table all", "unreachable 10.2.0.0/24 table 7200 proto 115 metric 4000"},
        {RouteChange{prefix("10.2.1.0/24"), RouteKind::kThrow, "", std::nullopt, 7200, 0},
         "ip route show table all", "throw 10.2.1.0/24 table 7200 proto 115"},
        {RouteChange{prefix("0.0.0.0/0"), RouteKind::kUnicast, "isth0", std::nullopt, 7200, 100},
         "ip route show table all", "default dev isth0 table 7200 proto 115 scope link metric 100"},
        {RouteChange{prefix("2001:db8:2::/48"), RouteKind::kUnicast, "isth0", address("2001:db8:1::1"), 7200,
                     100},
         "ip -6 route show table all",
         "2001:db8:2::/48 dev isth0 table 7200 proto 115 src 2001:db8:1::1 metric 100"},
        {RouteChange{prefix("2001:db8:2::/48"), RouteKind::kUnreachable, "", std::nullopt, 7200, 4000},
         "ip -6 route show table all", "unreachable 2001:db8:2::/48 dev lo table 7200 proto 115 metric 4000"},
        {RouteChange{prefix("2001:db8:3::/48"), RouteKind::kThrow, "", std::nullopt, 7200, 0},
         "ip -6 route show table all", "throw 2001:db8:3::/48 dev lo table 7200 proto 115 metric 1024"},
        {RuleChange{Family::kIpv4, 7000, 254, prefix("203.0.113.9"), std::uint8_t{6}, std::uint16_t{22}},
         "ip rule", "7000:\tfrom all to 203.0.113.9 ipproto tcp dport 22 lookup main proto 115"},
        {RuleChange{Family::kIpv6, 7000, 254, prefix("2001:db8:f::9"), std::uint8_t{6}, std::uint16_t{22}},
         "ip -6 rule", "7000:\tfrom all to 2001:db8:f::9 ipproto tcp dport 22 lookup main proto 115"},
        {RuleChange{Family::kIpv4, 7000, 254, {}, std::uint8_t{17}, {}, 0x69736d00}, "ip rule",
         "7000:\tfrom all fwmark 0x69736d00 ipproto udp lookup main proto 115"},
        {RuleChange{Family::kIpv4, 7200, 7200, std::nullopt, std::nullopt, std::nullopt}, "ip rule",
         "7200:\tfrom all lookup 7200 proto 115"},
        {RuleChange{Family::kIpv6, 7200, 7200, prefix("2001:db8:2::/48"), std::nullopt, std::nullopt},
         "ip -6 rule", "7200:\tfrom all to 2001:db8:2::/48 lookup 7200 proto 115"},
        {SysctlChange{"net.ipv4.conf.lan0.forwarding", "1"}, "sysctl net.ipv4.conf.lan0.forwarding", "= 1"},
        {NftTableChange{"isthmus_office", "chain guard {\ntype filter hook forward priority 0;\n}"},
         "nft list ruleset", "chain guard {"},
        {ProxyNeighbourChange{"lan0", address("10.1.0.77")}, "ip neigh show proxy", "10.1.0.77 dev lan0"},
        {ProxyNeighbourChange{"lan0", address("2001:db8:1::77")}, "ip -6 neigh show proxy",
         "2001:db8:1::77 dev lan0"},
    };
  }
};

bool is_seen(const std::string& text, const Example& example) {
  return text.find(example.sight) != std::string::npos;
}

TEST_F(ChangesTest, AreSeenByOtherToolsAndUndoneWithoutATrace) {
  auto applier = HostApplier::open(runtime_dir(), "office");
  ASSERT_TRUE(applier);
  const auto tun = applier->open_tun(kTunNamePattern, 1404);
  ASSERT_TRUE(tun);
  for (const Example& example : examples()) {
    const std::string before = snapshot();
    ASSERT_FALSE(is_seen(shell(example.look), example)) << example.sight;
    const auto applied = applier->apply(example.change);
    ASSERT_TRUE(applied) << applied.error().message;
    EXPECT_TRUE(is_seen(shell(example.look), example)) << example.sight << "\n" << shell(example.look);
    ASSERT_TRUE(applier->apply(example.change)) << "a second time";
    const auto reverted = applier->revert(example.change);
    ASSERT_TRUE(reverted) << reverted.error().message;
    EXPECT_EQ(snapshot(), before) << example.sight;
    ASSERT_TRUE(applier->revert(example.change)) << "a second time";
  }
}

TEST_F(ChangesTest, AreAllUndoneTogetherAndTheSessionIsOver) {
  const std::string before = snapshot();
  auto applier = HostApplier::open(runtime_dir(), "office");
  {
    const auto tun = applier->open_tun(kTunNamePattern, 1404);
    for (const Example& example : examples()) ASSERT_TRUE(applier->apply(example.change)) << example.sight;
    EXPECT_TRUE(applier->revert_all().empty());
  }
  EXPECT_EQ(snapshot(), before);
  EXPECT_TRUE(Journal::read_all(runtime_dir())->empty());
}

TEST_F(ChangesTest, AreUndoneAlsoWhenTheInterfaceWentFirst) {
  const std::string before = snapshot();
  auto applier = HostApplier::open(runtime_dir(), "office");
  {
    const auto tun = applier->open_tun(kTunNamePattern, 1404);
    for (const Example& example : examples()) ASSERT_TRUE(applier->apply(example.change)) << example.sight;
  }
  EXPECT_TRUE(applier->revert_all().empty());
  EXPECT_EQ(snapshot(), before);
}

TEST_F(ChangesTest, ThatOtherToolsRemoveArePutBack) {
  auto applier = HostApplier::open(runtime_dir(), "office");
  const auto tun = applier->open_tun(kTunNamePattern, 1404);
  for (const Example& example : examples()) ASSERT_TRUE(applier->apply(example.change)) << example.sight;
  const std::string whole = snapshot();
  EXPECT_TRUE(applier->put_back().restored.empty());
  shell(
      "ip route flush table 7200; ip -6 route flush table 7200; ip rule flush; ip rule add lookup main "
      "priority 32766; ip rule add lookup default priority 32767; nft flush ruleset");
  const auto report = applier->put_back();
  EXPECT_TRUE(report.failures.empty());
  EXPECT_EQ(report.restored.size(), 11U);
  EXPECT_EQ(snapshot(), whole);
}

TEST_F(ChangesTest, ToATableArePutBackWhateverIsMissingOfIt) {
  auto applier = HostApplier::open(runtime_dir(), "office");
  const NftTableChange table{
      "isthmus_7200",
      "chain guard {\ntype filter hook forward priority 0;\nip daddr 10.2.0.0/24 counter "
      "drop\n}\nchain more {\n}"};
  ASSERT_TRUE(applier->apply(table));
  const std::string whole = snapshot();
  for (const char* damage :
       {"nft flush ruleset", "nft flush table inet isthmus_7200", "nft flush chain inet isthmus_7200 guard",
        "nft delete chain inet isthmus_7200 more", "nft insert rule inet isthmus_7200 guard accept"}) {
    EXPECT_TRUE(applier->put_back().restored.empty()) << "before " << damage;
    shell(damage);
    EXPECT_EQ(applier->put_back().restored.size(), 1U) << damage;
    EXPECT_EQ(snapshot(), whole) << damage;
  }
}

TEST_F(ChangesTest, OnAnInterfaceThatIsGoneAreNotTakenFromTheNextOfItsName) {
  const AddressChange local{"isth0", address("10.1.0.1"), 32, address("10.2.0.1")};
  auto dead = HostApplier::open(runtime_dir(), "dead");
  {
    ASSERT_TRUE(dead->open_tun("isth0", 1404) && dead->apply(local));
  }
  auto living = HostApplier::open(runtime_dir(), "living");
  const auto tun = living->open_tun("isth0", 1404);
  ASSERT_TRUE(tun && living->apply(local));
  EXPECT_TRUE(dead->revert_all().empty());
  EXPECT_NE(shell("ip addr show dev isth0").find("10.1.0.1 peer 10.2.0.1"), std::string::npos);
}

TEST_F(ChangesTest, OfSomebodyElseAreNamedAndSurvive) {
  shell("ip route add unreachable 10.2.0.0/24 table 7200 metric 4000 proto static");
  shell("ip rule add to 203.0.113.9 ipproto tcp dport 22 lookup main priority 7000");
  shell("ip neigh add proxy 10.1.0.77 dev lan0");
  shell("nft add table inet isthmus_office");
  shell("ip addr add 10.5.0.1/32 dev lan0");
  const std::string before = snapshot();
  auto applier = HostApplier::open(runtime_dir(), "office");
  for (const HostChange& change : std::vector<HostChange>{
           RouteChange{prefix("10.2.0.0/24"), RouteKind::kUnreachable, "", std::nullopt, 7200, 4000},
           RuleChange{Family::kIpv4, 7000, 254, prefix("203.0.113.9"), std::uint8_t{6}, std::uint16_t{22}},
           ProxyNeighbourChange{"lan0", address("10.1.0.77")}, NftTableChange{"isthmus_office", ""},
           AddressChange{"lan0", address("10.5.0.1"), 32, std::nullopt}}) {
    const auto applied = applier->apply(change);
    ASSERT_FALSE(applied) << describe(change);
    EXPECT_EQ(applied.error().code, Error::Code::kExists) << applied.error().message;
    EXPECT_TRUE(applier->revert(change));
  }
  EXPECT_TRUE(applier->revert_all().empty());
  EXPECT_EQ(snapshot(), before);
}

TEST_F(ChangesTest, LeaveARouteOfSomebodyElseToTheSamePlaceAlone) {
  shell("ip route add unreachable 10.2.0.0/24 table 7200 metric 50 proto static");
  shell("ip -6 route add unreachable 2001:db8:2::/48 table 7200 metric 50 proto static");
  const std::string before = snapshot();
  auto applier = HostApplier::open(runtime_dir(), "office");
  for (const char* text : {"10.2.0.0/24", "2001:db8:2::/48"}) {
    ASSERT_TRUE(
        applier->apply(RouteChange{prefix(text), RouteKind::kUnreachable, "", std::nullopt, 7200, 4000}));
  }
  EXPECT_TRUE(applier->revert_all().empty());
  EXPECT_EQ(snapshot(), before);
}

TEST_F(ChangesTest, OfOneRuleLeaveANarrowerOneOfTheSamePriority) {
  auto applier = HostApplier::open(runtime_dir(), "office");
  const RuleChange narrow{Family::kIpv4, 7200, 7200, prefix("10.2.0.0/24"), std::nullopt, std::nullopt};
  const RuleChange wide{Family::kIpv4, 7200, 7200, std::nullopt, std::nullopt, std::nullopt};
  ASSERT_TRUE(applier->apply(narrow));
  const std::string with_narrow = snapshot();
  ASSERT_TRUE(applier->apply(wide) && applier->revert(wide));
  EXPECT_EQ(snapshot(), with_narrow);
}

TEST_F(ChangesTest, ThatFailLeaveNoIntentBehind) {
  auto applier = HostApplier::open(runtime_dir(), "office");
  EXPECT_FALSE(applier->apply(NftTableChange{"isthmus_office", "chain {{{"}));
  EXPECT_FALSE(applier->apply(SysctlChange{"net.ipv4.conf.nowhere.forwarding", "1"}));
  EXPECT_FALSE(applier->apply(
      RouteChange{prefix("10.2.0.0/24"), RouteKind::kUnicast, "nowhere", std::nullopt, 7200, 100}));
  EXPECT_TRUE(Journal::read_all(runtime_dir())->front().standing.empty());
}

TEST_F(ChangesTest, OfTwoSessionsCountTheirSysctlsTogether) {
  const std::string before = snapshot();
  const SysctlChange forward{"net.ipv6.conf.all.forwarding", "1"};
  auto first = HostApplier::open(runtime_dir(), "first");
  auto second = HostApplier::open(runtime_dir(), "second");
  ASSERT_TRUE(first->apply(forward) && second->apply(forward));
  EXPECT_TRUE(first->revert_all().empty());
  EXPECT_EQ(Sysctl{}.read(forward.key), "1");
  EXPECT_TRUE(second->revert_all().empty());
  EXPECT_EQ(snapshot(), before);
}

TEST_F(ChangesTest, OfForwardingForAllLeaveAnInterfaceItsOwn) {
  shell("sysctl -qw net.ipv6.conf.lan0.forwarding=1");
  const std::string before = snapshot();
  auto applier = HostApplier::open(runtime_dir(), "office");
  ASSERT_TRUE(applier->apply(SysctlChange{"net.ipv6.conf.all.forwarding", "1"}));
  shell("sysctl -qw net.ipv6.conf.lan1.forwarding=0");
  EXPECT_TRUE(applier->revert_all().empty());
  EXPECT_EQ(snapshot(), before);
}

TEST_F(ChangesTest, GoOnAfterAMessageThatCouldNotBeSent) {
  const int number = ::dup(STDIN_FILENO);
  ::close(number);
  auto netlink = Netlink::open();
  ASSERT_TRUE(netlink);
  struct stat status{};
  ASSERT_TRUE(::fstat(number, &status) == 0 && S_ISSOCK(status.st_mode));
  // What is sent is refused for once, as where the kernel has no memory for it.
  const UniqueFd socket{::dup(number)};
  const UniqueFd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  ASSERT_EQ(::dup2(null.get(), number), number);
  const RouteChange route{prefix("10.77.0.0/16"), RouteKind::kUnreachable, "", std::nullopt, 7200, 4000};
  EXPECT_FALSE(netlink->add(route));
  const UniqueFd again{::dup2(socket.get(), number)};
  EXPECT_TRUE(netlink->add(route));
  EXPECT_TRUE(netlink->has(route).value_or(false));
  EXPECT_TRUE(netlink->remove(route));
}

TEST_F(ChangesTest, AreToldByTheMonitor) {
  auto monitor = NetlinkMonitor::open();
  ASSERT_TRUE(monitor);
  EXPECT_FALSE(monitor->drain().any());
  shell("ip route add unreachable 10.77.0.0/16");
  EXPECT_TRUE(monitor->drain().route);
  shell("ip -6 rule add lookup main priority 99");
  EXPECT_TRUE(monitor->drain().rule);
  shell("ip addr add 10.78.0.1/24 dev lan0");
  EXPECT_TRUE(monitor->drain().address);
  shell("ip link set lan1 down");
  EXPECT_TRUE(monitor->drain().link);
  // The kernel has more to say of a link that goes down, some of it later from a work queue.
  pollfd more{monitor->fd(), POLLIN, 0};
  while (::poll(&more, 1, 300) == 1) std::ignore = monitor->drain();
  shell("nft add table inet somebody && nft flush ruleset");
  EXPECT_FALSE(monitor->drain().any());
  for (const char* command :
       {"nft add table inet isthmus_7200", "nft add chain inet isthmus_7200 a", "nft flush ruleset"}) {
    shell(command);
    pollfd ready{monitor->fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&ready, 1, 0), 1) << command;
    EXPECT_TRUE(monitor->drain().filter) << command;
  }
  EXPECT_FALSE(monitor->drain().any());
}

}  // namespace
}  // namespace isthmus::io
