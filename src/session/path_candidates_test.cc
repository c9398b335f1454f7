#include "session/path_candidates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace isthmus::session {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

IpAddress address(const char* text) {
  return IpAddress::parse(text).value();
}
Endpoint at(const char* text) {
  return {address(text), 22};
}

DatagramHello hello(std::vector<IpAddress> addresses) {
  DatagramHello hello;
  hello.port = 22;
  hello.addresses = std::move(addresses);
  return hello;
}

TEST(PathCandidates, BeginWithTheFarEndOfSsh) {
  PathFacts facts;
  facts.ssh_peers = {address("192.0.2.1")};
  EXPECT_THAT(candidates_of(hello({address("2001:db8::1"), address("198.51.100.1")}), facts, {}),
              ElementsAre(at("192.0.2.1"), at("2001:db8::1"), at("198.51.100.1")));
}

TEST(PathCandidates, AreEachThereOnce) {
  PathFacts facts;
  facts.ssh_peers = {address("192.0.2.1")};
  EXPECT_THAT(candidates_of(hello({address("192.0.2.1"), address("192.0.2.1")}), facts, {}),
              ElementsAre(at("192.0.2.1")));
}

TEST(PathCandidates, LeaveOutWhatIsNoHostsAddress) {
  EXPECT_THAT(
      candidates_of(hello({address("127.0.0.1"), address("224.0.0.1"), address("0.0.0.0"), address("fe80::1"),
                           address("255.255.255.255"), address("::1"), address("169.254.1.1")}),
                    {}, {}),
      IsEmpty());
}

TEST(PathCandidates, LeaveOutWhatIsOurOwn) {
  PathFacts facts;
  facts.ssh_peers = {address("192.0.2.1")};
  const std::vector own{address("192.0.2.1"), address("2001:db8::7")};
  EXPECT_THAT(candidates_of(hello({address("2001:db8::7"), address("198.51.100.1")}), facts, own),
              ElementsAre(at("198.51.100.1")));
}

TEST(PathCandidates, AreNoMoreThanTheLimit) {
  std::vector<IpAddress> many;
  for (std::uint32_t i = 0; i < 100; ++i) many.push_back(IpAddress::v4(0xc6336401 + i));
  EXPECT_EQ(candidates_of(hello(many), {}, {}).size(), kMaxCandidates);
}

TEST(PathCandidates, LeaveOutWhatIsRoutedIntoTheTunnel) {
  PathFacts facts;
  facts.tunnelled = {Prefix::parse("10.0.0.0/8").value()};
  EXPECT_THAT(candidates_of(hello({address("10.1.2.3"), address("192.0.2.7")}), facts, {}),
              ElementsAre(at("192.0.2.7")));
}

TEST(PathCandidates, KeepTheFarEndOfSshThoughAFullTunnelCoversIt) {
  PathFacts facts;
  facts.ssh_peers = {address("192.0.2.1")};
  facts.tunnelled = {Prefix::parse("0.0.0.0/0").value()};
  EXPECT_THAT(candidates_of(hello({address("198.51.100.1")}), facts, {}), ElementsAre(at("192.0.2.1")));
}

}  // namespace
}  // namespace isthmus::session
