// A session that is killed at any moment, and what cleanup makes of it.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "io/host_applier.h"
#include "kernel/namespace_fixture.h"

namespace isthmus::io {
namespace {

class CrashTest : public NamespaceTest {
 protected:
  static std::vector<HostChange> plan() {
    return {
        SysctlChange{"net.ipv4.conf.lan0.forwarding", "1"},
        NftTableChange{"isthmus_office", "chain guard {\ntype filter hook forward priority 0;\n}"},
        AddressChange{"isth0", address("10.1.0.1"), 32, address("10.2.0.1")},
        AddressChange{"isth0", address("2001:db8:1::1"), 128, address("2001:db8:2::1")},
        RouteChange{prefix("10.2.0.0/24"), RouteKind::kUnreachable, "", std::nullopt, 7200, 4000},
        RouteChange{prefix("2001:db8:2::/48"), RouteKind::kUnreachable, "", std::nullopt, 7200, 4000},
        RuleChange{Family::kIpv4, 7200, 7200, std::nullopt, std::nullopt, std::nullopt},
        RuleChange{Family::kIpv6, 7200, 7200, std::nullopt, std::nullopt, std::nullopt},
        ProxyNeighbourChange{"lan0", address("10.1.0.77")},
        RouteChange{prefix("10.2.0.0/24"), RouteKind::kUnicast, "isth0", address("10.1.0.1"), 7200, 100},
    };
  }

  // A child that applies the first `count` changes and then waits to be killed.
  static pid_t start_session(const RuntimeDir& dir, std::size_t count) {
    int ready[2];
    EXPECT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto applier = HostApplier::open(dir, "office");
      const auto tun = applier->open_tun(kTunNamePattern, 1404);
      bool is_good = tun.has_value();
      for (std::size_t i = 0; i < count; ++i) is_good = applier->apply(plan()[i]).has_value() && is_good;
      (void)!::write(ready[1], is_good ? "y" : "n", 1);
      while (true) ::pause();
    }
    char answer = 0;
    ::close(ready[1]);
    EXPECT_EQ(::read(ready[0], &answer, 1), 1);
    EXPECT_EQ(answer, 'y');
    ::close(ready[0]);
    return child;
  }

  static void kill_hard(pid_t child) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
};

TEST_F(CrashTest, AfterEachStepLeavesWhatCleanupRemovesExactly) {
  const std::string before = snapshot();
  for (std::size_t count = 0; count <= plan().size(); ++count) {
    kill_hard(start_session(runtime_dir(), count));
    const auto left = HostApplier::leftovers(runtime_dir());
    ASSERT_TRUE(left && left->size() == 1);
    EXPECT_EQ(left->front().standing.size(), count);
    const auto report = HostApplier::cleanup(runtime_dir());
    EXPECT_TRUE(report.failures.empty());
    EXPECT_EQ(snapshot(), before) << "after " << count << " changes";
    EXPECT_TRUE(HostApplier::leftovers(runtime_dir())->empty());
  }
}

TEST_F(CrashTest, AtRandomMomentsLeavesWhatCleanupRemovesExactly) {
  const std::string before = snapshot();
  for (useconds_t delay = 0; delay < 40'000; delay += 1'700) {
    const RuntimeDir dir = runtime_dir();
    const pid_t child = ::fork();
    if (child == 0) {
      auto applier = HostApplier::open(dir, "office");
      const auto tun = applier->open_tun(kTunNamePattern, 1404);
      while (true) {
        for (const HostChange& change : plan()) (void)applier->apply(change);
        for (const HostChange& change : plan()) (void)applier->revert(change);
      }
    }
    ::usleep(delay);
    kill_hard(child);
    const auto report = HostApplier::cleanup(dir);
    EXPECT_TRUE(report.failures.empty());
    EXPECT_EQ(snapshot(), before) << "killed after " << delay << " microseconds";
  }
}

TEST_F(CrashTest, IsRepairedByTheNextSessionOfThatName) {
  const std::string before = snapshot();
  kill_hard(start_session(runtime_dir(), plan().size()));
  auto applier = HostApplier::open(runtime_dir(), "office");
  ASSERT_TRUE(applier) << applier.error().message;
  EXPECT_EQ(applier->slot(), 0U);
  EXPECT_EQ(snapshot(), before);
}

TEST_F(CrashTest, KeepsTheUnreachableRouteUntilCleanup) {
  kill_hard(start_session(runtime_dir(), plan().size()));
  EXPECT_NE(shell("ip route get 10.2.0.5 || true").find("No route to host"), std::string::npos);
  EXPECT_TRUE(HostApplier::cleanup(runtime_dir()).failures.empty());
}

TEST_F(CrashTest, OfOneSessionLeavesALivingOneAlone) {
  auto living = HostApplier::open(runtime_dir(), "living");
  ASSERT_TRUE(living->apply(SysctlChange{"net.ipv4.conf.lan0.forwarding", "1"}));
  ASSERT_TRUE(
      living->apply(RouteChange{prefix("10.3.0.0/24"), RouteKind::kThrow, "", std::nullopt, 7263, 0}));
  const std::string before = snapshot();
  kill_hard(start_session(runtime_dir(), plan().size()));
  EXPECT_TRUE(HostApplier::cleanup(runtime_dir()).failures.empty());
  EXPECT_EQ(snapshot(), before);
  EXPECT_TRUE(living->revert_all().empty());
}

TEST_F(CrashTest, IsNotAssumedOfASessionThatLives) {
  const pid_t child = start_session(runtime_dir(), 2);
  const auto refused = HostApplier::open(runtime_dir(), "office");
  EXPECT_EQ(refused.error().code, Error::Code::kExists);
  EXPECT_NE(refused.error().message.find(std::to_string(child)), std::string::npos)
      << refused.error().message;
  EXPECT_TRUE(HostApplier::cleanup(runtime_dir()).lines.empty());
  kill_hard(child);
  EXPECT_TRUE(HostApplier::cleanup(runtime_dir()).failures.empty());
}

}  // namespace
}  // namespace isthmus::io
