#include "io/host_change_json.h"

#include <gtest/gtest.h>

#include <vector>

namespace isthmus::io {
namespace {

IpAddress address(const char* text) {
  return *IpAddress::parse(text);
}
Prefix prefix(const char* text) {
  return *Prefix::parse(text);
}

std::vector<HostChange> one_of_each() {
  return {
      AddressChange{"isth0", address("193.6.35.12"), 32, address("193.6.37.1")},
      AddressChange{"isth0", address("fe80::1"), 64, std::nullopt},
      RouteChange{prefix("193.6.37.0/24"), RouteKind::kUnicast, "isth0", address("193.6.35.12"), 7203, 100},
      RouteChange{prefix("2001:db8::/32"), RouteKind::kUnreachable, "", std::nullopt, 7203, 4000},
      RouteChange{prefix("10.0.0.0/8"), RouteKind::kThrow, "", std::nullopt, 7203, 0},
      RuleChange{Family::kIpv4, 7003, 254, prefix("203.0.113.9"), std::uint8_t{6}, std::uint16_t{22}},
      RuleChange{Family::kIpv4, 7003, 254, {}, {}, {}, 0x69736d03},
      RuleChange{Family::kIpv6, 7203, 7203, std::nullopt, std::nullopt, std::nullopt},
      SysctlChange{"net.ipv4.conf.eth0/100.forwarding", "1"},
      NftTableChange{"isthmus_x", "chain a {\n  type filter hook \"forward\" priority 0;\n}"},
      ProxyNeighbourChange{"eth0", address("193.6.35.77")},
  };
}

TEST(HostChangeJson, BringsEveryChangeBackAsItWas) {
  for (const HostChange& change : one_of_each()) {
    const Result<HostChange> back = parse_host_change(to_json(change));
    ASSERT_TRUE(back) << to_json(change);
    EXPECT_EQ(*back, change);
  }
}

TEST(HostChangeJson, IsOneLine) {
  for (const HostChange& change : one_of_each()) EXPECT_EQ(to_json(change).find('\n'), std::string::npos);
}

TEST(HostChangeJson, RefusesEveryCutOfALine) {
  for (const HostChange& change : one_of_each()) {
    const std::string line = to_json(change);
    for (std::size_t length = 0; length < line.size(); ++length) {
      EXPECT_FALSE(parse_host_change(line.substr(0, length)));
    }
  }
}

TEST(HostChangeJson, RefusesFieldsThatCannotMeanAnything) {
  for (
      const char* line : {
          "[]",
          "null",
          "{}",
          R"({"kind":"teleport"})",
          R"({"kind":"sysctl","key":"net.x"})",
          R"({"kind":"sysctl","key":7,"value":"1"})",
          R"({"kind":"proxy","interface":"e","address":"nowhere"})",
          R"({"kind":"address","interface":"e","local":"10.0.0.1","prefix_length":33})",
          R"({"kind":"address","interface":"e","local":"10.0.0.1","prefix_length":-1})",
          R"({"kind":"rule","family":5,"priority":1,"table":1})",
          R"({"kind":"rule","family":4,"priority":4294967296,"table":1})",
          R"({"kind":"rule","family":4,"priority":1,"table":1,"destination_port":65536})",
          R"({"kind":"route","destination":"10.0.0.1/8","type":"throw","interface":"","table":1,"metric":1})",
          R"({"kind":"route","destination":"10.0.0.0/8","type":"local","interface":"","table":1,"metric":1})",
      }) {
    EXPECT_FALSE(parse_host_change(line)) << line;
  }
}

}  // namespace
}  // namespace isthmus::io
