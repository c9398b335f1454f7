#include <net/if.h>
#include <poll.h>

#include <algorithm>

#include "io/boot_clock.h"
#include "io/icmp_prober.h"
#include "kernel/namespace_fixture.h"

namespace isthmus::io {
namespace {

using std::chrono::milliseconds;

class ProberTest : public NamespaceTest {
 protected:
  // Runs `prober` until nothing is pending, as the loop of a program would.
  static std::vector<ProbeOutcome> run(IcmpProber& prober) {
    std::vector<ProbeOutcome> outcomes = prober.take_outcomes();
    while (const auto deadline = prober.next_deadline()) {
      std::vector<pollfd> watched;
      for (const int fd : prober.fds()) watched.push_back({fd, POLLIN, 0});
      const auto wait = std::chrono::duration_cast<milliseconds>(*deadline - boot_now()).count() + 1;
      ::poll(watched.data(), watched.size(), static_cast<int>(std::clamp<std::int64_t>(wait, 0, 1000)));
      prober.receive(boot_now());
      prober.advance(boot_now());
      for (ProbeOutcome& outcome : prober.take_outcomes()) outcomes.push_back(std::move(outcome));
    }
    return outcomes;
  }

  static ProbeOutcome ping(const ProbeRequest& request) {
    auto prober = IcmpProber::open();
    EXPECT_TRUE(prober);
    prober->probe(boot_now(), request);
    auto outcomes = run(*prober);
    EXPECT_EQ(outcomes.size(), 1U);
    return outcomes.front();
  }

  static ProbeRequest quick(const char* target) {
    ProbeRequest request;
    request.target = address(target);
    request.attempts = 2;
    request.interval = milliseconds{50};
    return request;
  }
};

TEST_F(ProberTest, IsAnsweredByBothFamilies) {
  for (const char* target : {"10.1.0.1", "2001:db8:1::1"}) {
    const ProbeOutcome outcome = ping(quick(target));
    EXPECT_TRUE(outcome.is_answered) << outcome.reason;
    EXPECT_GT(outcome.round_trip, Duration::zero());
    EXPECT_LT(outcome.round_trip, std::chrono::seconds{1});
  }
}

TEST_F(ProberTest, SendsFromTheGivenSource) {
  shell("ip addr add 10.1.0.2/24 dev lan0");
  shell(
      "nft 'add table inet t; add chain inet t c { type filter hook input priority 0; }; "
      "add rule inet t c ip saddr 10.1.0.2 icmp type echo-request counter'");
  ProbeRequest request = quick("10.1.0.1");
  request.source = address("10.1.0.2");
  EXPECT_TRUE(ping(request).is_answered);
  EXPECT_NE(shell("nft list ruleset").find("packets 1 "), std::string::npos);
}

TEST_F(ProberTest, TakesAnAnswerOnlyByTheInterfaceItIsWantedBy) {
  ProbeRequest request = quick("10.1.0.1");
  request.answers_by = ::if_nametoindex("lan0");
  EXPECT_TRUE(ping(request).is_answered);
  request.answers_by = ::if_nametoindex("lan1");
  const ProbeOutcome outcome = ping(request);
  EXPECT_FALSE(outcome.is_answered);
  EXPECT_EQ(outcome.reason, "the answer came back by another interface");
}

// By which interface one's own IPv6 address answers differs from kernel to kernel: lo, or the one that has
// it.
TEST_F(ProberTest, RefusesAnIpv6AnswerByAnotherInterface) {
  ProbeRequest request = quick("2001:db8:1::1");
  request.answers_by = ::if_nametoindex("lan1");
  const ProbeOutcome outcome = ping(request);
  EXPECT_FALSE(outcome.is_answered);
  EXPECT_EQ(outcome.reason, "the answer came back by another interface");
}

TEST_F(ProberTest, TriesAgainAndThenReportsSilence) {
  const ProbeOutcome outcome = ping(quick("10.1.0.99"));
  EXPECT_FALSE(outcome.is_answered);
  EXPECT_EQ(outcome.attempts_made, 2);
  EXPECT_FALSE(outcome.reason.empty());
}

TEST_F(ProberTest, SaysWhoRefusedAndWhy) {
  shell(
      "nft 'add table inet t; add chain inet t c { type filter hook input priority 0; }; "
      "add rule inet t c icmp type echo-request reject with icmp type admin-prohibited'");
  const ProbeOutcome outcome = ping(quick("10.1.0.1"));
  EXPECT_FALSE(outcome.is_answered);
  EXPECT_EQ(outcome.refuser, address("10.1.0.1"));
  EXPECT_EQ(outcome.reason, "prohibited by a firewall");
}

TEST_F(ProberTest, SaysThatThereIsNoRoute) {
  const ProbeOutcome outcome = ping(quick("198.51.100.1"));
  EXPECT_FALSE(outcome.is_answered);
  EXPECT_NE(outcome.reason.find("unreachable"), std::string::npos) << outcome.reason;
}

TEST_F(ProberTest, FindsAWayThatOpensOnlyAfterTheFirstAttempt) {
  auto prober = IcmpProber::open();
  ProbeRequest request = quick("10.1.0.1");
  request.attempts = 20;
  shell(
      "nft 'add table inet t; add chain inet t c { type filter hook input priority 0; }; "
      "add rule inet t c icmp type echo-request drop'");
  prober->probe(boot_now(), request);
  shell("nft delete table inet t");
  const auto outcomes = run(*prober);
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_TRUE(outcomes.front().is_answered);
  EXPECT_GE(outcomes.front().attempts_made, 2);
}

TEST_F(ProberTest, KeepsManyProbesApart) {
  auto prober = IcmpProber::open();
  const auto good = prober->probe(boot_now(), quick("10.1.0.1"));
  prober->probe(boot_now(), quick("10.1.0.99"));
  const auto good6 = prober->probe(boot_now(), quick("2001:db8:1::1"));
  for (const ProbeOutcome& outcome : run(*prober)) {
    EXPECT_EQ(outcome.is_answered, outcome.id == good || outcome.id == good6);
  }
}

}  // namespace
}  // namespace isthmus::io
