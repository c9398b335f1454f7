#include <algorithm>

#include "io/host_facts_reader.h"
#include "io/netlink.h"
#include "kernel/namespace_fixture.h"

namespace isthmus::io {
namespace {

class FactsTest : public NamespaceTest {};

TEST_F(FactsTest, NameInterfacesWithTheirAddresses) {
  const auto facts = read_host_facts("isth0");
  ASSERT_TRUE(facts) << facts.error().message;
  const auto lan = std::find_if(facts->interfaces.begin(), facts->interfaces.end(),
                                [](const InterfaceFacts& i) { return i.name == "lan0"; });
  ASSERT_NE(lan, facts->interfaces.end());
  EXPECT_TRUE(lan->is_up && !lan->is_loopback && !lan->is_point_to_point);
  EXPECT_EQ(lan->addresses, (std::vector<InterfaceFacts::Assigned>{{address("10.1.0.1"), 24},
                                                                   {address("2001:db8:1::1"), 64}}));
  EXPECT_TRUE(facts->owns(address("10.1.0.1")));
}

TEST_F(FactsTest, HoldUnicastRoutesOfTheMainTableAndOurs) {
  shell("ip route add default via 10.1.0.254 proto static");
  shell("ip route add 10.2.0.0/24 dev lan0 table 7201 proto 115");
  shell("ip route add 10.3.0.0/24 dev lan0 table 99");
  shell("ip route add unreachable 10.4.0.0/24");
  auto netlink = Netlink::open();
  const auto routes = netlink->routes();
  ASSERT_TRUE(routes);
  const auto has = [&](const RouteFacts& fact) {
    return std::find(routes->begin(), routes->end(), fact) != routes->end();
  };
  EXPECT_TRUE(has({prefix("10.1.0.0/24"), "lan0", std::nullopt, 254, 2}));
  EXPECT_TRUE(has({prefix("0.0.0.0/0"), "lan0", address("10.1.0.254"), 254, 4}));
  EXPECT_TRUE(has({prefix("10.2.0.0/24"), "lan0", std::nullopt, 7201, 115}));
  EXPECT_TRUE(has({prefix("2001:db8:1::/64"), "lan0", std::nullopt, 254, 2}));
  for (const RouteFacts& route : *routes) {
    EXPECT_NE(route.table, 99U);
    EXPECT_NE(route.destination, prefix("10.4.0.0/24"));
  }
}

TEST_F(FactsTest, HoldOurFallbacksApartAndWhomWeAnswerFor) {
  shell("ip route add unreachable 10.2.0.0/24 table 7201 proto 115 metric 4000");
  shell("ip -6 route add unreachable 2001:db8:2::/48 table 7202 proto 115 metric 4000");
  shell("ip route add unreachable 10.4.0.0/24 proto 115");
  shell("ip neigh add proxy 10.1.0.77 dev lan0 && ip -6 neigh add proxy 2001:db8:1::77 dev lan0");
  const auto facts = read_host_facts("isth0");
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->fallbacks,
            (std::vector<RouteFacts>{{prefix("10.2.0.0/24"), "", std::nullopt, 7201, 115},
                                     {prefix("2001:db8:2::/48"), "", std::nullopt, 7202, 115}}));
  EXPECT_EQ(facts->proxied, (std::vector<IpAddress>{address("10.1.0.77"), address("2001:db8:1::77")}));
  for (const RouteFacts& route : facts->routes) EXPECT_NE(route.protocol, 115);
}

TEST_F(FactsTest, KnowWhichNeighboursCanBeReached) {
  shell("ip neigh add 10.1.0.9 lladdr 02:00:00:00:00:09 dev lan0 nud stale");
  shell("ip neigh add 10.1.0.10 dev lan0 nud failed");
  auto netlink = Netlink::open();
  const auto neighbours = netlink->neighbours();
  ASSERT_TRUE(neighbours);
  EXPECT_NE(
      std::find(neighbours->begin(), neighbours->end(), NeighbourFacts{"lan0", address("10.1.0.9"), true}),
      neighbours->end());
  for (const NeighbourFacts& neighbour : *neighbours) {
    EXPECT_FALSE(neighbour.address == address("10.1.0.10") && neighbour.is_reachable);
  }
}

TEST_F(FactsTest, HoldTheSysctlsThatAPlanMayChange) {
  const auto facts = read_host_facts("isth0");
  ASSERT_TRUE(facts);
  EXPECT_TRUE(facts->sysctls.contains("net.ipv4.conf.lan0.forwarding"));
}

}  // namespace
}  // namespace isthmus::io
