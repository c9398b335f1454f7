// A monitor whose engine is somebody else's: whatever it asks for, and in whatever order, this machine
// changes within what local policy accepts and offers, and is as before in the end.
#include "app/monitor.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <thread>

#include "io/sanitized.h"
#include "kernel/namespace_fixture.h"
#include "kernel/random_requests.h"
#include "support/soak.h"

namespace isthmus::app {
namespace {

using io::NamespaceTest;
using testing::RandomRequests;

// Against the rules alone; a hundredth of them under the sanitizers, where they would take minutes.
constexpr std::uint64_t kRequests = io::kIsSanitized ? 100'000 : 10'000'000;

class MonitorTest : public NamespaceTest {
 protected:
  static config::PeerPolicy policy() {
    config::PeerPolicy policy;
    policy.origin = config::PolicyOrigin::kPeerFile;
    policy.name = "office";
    policy.offers = {prefix("10.1.0.0/24")};
    policy.accepts = {prefix("10.2.0.0/24"), prefix("2001:db8:2::/64")};
    return policy;
  }
  static OwnerSetup setup() { return OwnerSetup{.session = "office", .site = Site{policy(), std::nullopt}}; }
  static HostFacts facts() {
    HostFacts facts;
    facts.interfaces = {
        {"lan0", true, false, false, {{address("10.1.0.1"), 24}, {address("2001:db8:1::1"), 64}}},
        {"wan0", true, false, false, {{address("192.0.2.1"), 24}}}};
    facts.routes = {{prefix("0.0.0.0/0"), "wan0", address("192.0.2.254"), 254, 3}};
    facts.sysctls = {{"net.ipv6.conf.all.forwarding", "0"}};
    return facts;
  }
  static bool is_within(const Prefix& prefix, const std::vector<Prefix>& permitted) {
    return std::ranges::any_of(permitted, [&](const Prefix& one) { return one.contains(prefix); });
  }
  // What is accepted, and for a caller without a network an address of ours that is lent to it.
  static bool may_have(const Prefix& prefix) {
    const bool is_lent =
        prefix.is_host() && prefix.address() != address("10.1.0.1") && is_within(prefix, policy().offers);
    return is_lent || is_within(prefix, policy().accepts);
  }
};

TEST_F(MonitorTest, RulesPermitNothingBeyondPolicyWhateverIsAsked) {
  EngineRules rules{Site{policy(), std::nullopt}, 0};
  RandomRequests requests{20261126};
  const OuterPath outer{{{address("192.0.2.7"), 0}}, {address("192.0.2.1")}};
  std::uint64_t permitted = 0;
  for (std::uint64_t left = kRequests; left > 0; --left) {
    const Result<MonitorRequest> request = decode_monitor_request(requests.next());
    if (!request) continue;
    if (const auto* judged = std::get_if<Judged>(&*request))
      std::ignore = rules.judged(*judged, outer, facts());
    const auto* join = std::get_if<Join>(&*request);
    if (join == nullptr) continue;
    const Result<RoutePlanInput> plan = rules.plan_for(*join, "isth0", outer, facts());
    if (!plan) continue;
    ++permitted;
    for (const Prefix& prefix : plan->accepted) ASSERT_TRUE(may_have(prefix)) << prefix.to_string();
    for (const Prefix& prefix : plan->offered)
      ASSERT_TRUE(is_within(prefix, policy().offers)) << prefix.to_string();
    const bool is_remote_permitted = !plan->remote_ipv4 || may_have(Prefix::around(*plan->remote_ipv4, 32));
    const bool is_local_permitted =
        !plan->local_ipv4 || is_within(Prefix::around(*plan->local_ipv4, 32), policy().offers);
    ASSERT_TRUE(is_remote_permitted && is_local_permitted);
  }
  EXPECT_GT(permitted, 500U) << "as good as nothing was permitted: this shows nothing";
}

// No descriptor of ours reaches an engine; a number in memory that it shares with us does.
class SharedNumber {
 public:
  SharedNumber()
      : number_(static_cast<std::atomic<int>*>(::mmap(
            nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  ~SharedNumber() { ::munmap(number_, sizeof(std::atomic<int>)); }
  SharedNumber(const SharedNumber&) = delete;
  SharedNumber& operator=(const SharedNumber&) = delete;
  std::atomic<int>& operator*() { return *number_; }

 private:
  std::atomic<int>* number_;
};

// In the engine's place, in its process. Between the requests it looks at the machine as others see it, and
// counts the routes that it brought about; one that nobody permits makes the count negative.
class Intruder {
 public:
  Intruder(std::uint64_t seed, std::uint64_t count, std::atomic<int>& routes)
      : requests_(seed), count_(count), routes_(routes) {}

  int operator()(io::EngineChannels channels) {
    std::ignore = channels.requests.receive_within(std::chrono::seconds{10});
    for (std::uint64_t i = 0; i < count_; ++i) {
      const RequestOctets octets = requests_.next();
      // What is no request ends the engine, which is another test's.
      if (!decode_monitor_request(octets)) continue;
      if (!channels.requests.send(text_of(octets))) return 1;
      Result<io::ControlMessage> answer = channels.requests.receive_within(std::chrono::seconds{30});
      if (!answer) return 1;
      for (io::UniqueFd& fd : answer->fds)
        kept_->push_back(std::move(fd));  // or the interface would go at once
      if (i % 100 == 0 && !is_as_permitted()) break;
    }
    return 0;
  }

 private:
  // Every route of ours leads to what is accepted, or keeps what is this machine's own out of it.
  bool is_as_permitted() {
    const char* command = "ip -4 route show table all proto 115; ip -6 route show table all proto 115";
    std::array<char, 512> line{};
    FILE* lines = ::popen(command, "r");
    bool is_good = lines != nullptr;
    while (is_good && std::fgets(line.data(), line.size(), lines) != nullptr) {
      const std::string_view text{line.data()};
      const bool is_accepted = text.find("10.2.0.") != text.npos || text.find("2001:db8:2:") != text.npos ||
                               text.find("10.1.0.254") != text.npos;
      is_good = is_accepted || text.starts_with("throw");
      ++routes_;
      if (!is_good) std::fprintf(stderr, "a route that nobody accepts: %s", line.data());
    }
    if (lines != nullptr) ::pclose(lines);
    if (!is_good) routes_ = -1;
    return is_good;
  }

  RandomRequests requests_;
  std::uint64_t count_;
  std::atomic<int>& routes_;
  std::shared_ptr<std::vector<io::UniqueFd>> kept_ = std::make_shared<std::vector<io::UniqueFd>>();
};

TEST_F(MonitorTest, ChangesNothingBeyondPolicyForAnEngineThatAsksForAnything) {
  shell(
      "ip link add wan0 type veth peer name wan1; ip link set wan0 up; ip link set wan1 up;"
      "ip addr add 192.0.2.1/24 dev wan0");
  shell("ip route add default via 192.0.2.254");
  const std::string before = snapshot();
  asio::io_context loop;
  SharedNumber routes;
  auto monitor = Monitor::open(loop, runtime_dir(), setup(),
                               Intruder{1, is_soak() ? 200'000U : 2'000U, *routes}, Monitor::Rights::kAll);
  ASSERT_TRUE(monitor) << monitor.error().message;
  // Two streams, so that there are legs to speak of.
  for (int i = 0; i < 2; ++i) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    std::vector<io::UniqueFd> fds;
    for (const int fd : ends) fds.emplace_back(fd);
    AttachRequest request{"office", "office", "peer", address("192.0.2.7"), 0, "", std::nullopt};
    (*monitor)->attach(std::move(io::ControlConnection::make_pair()->ours), request, std::move(fds));
  }
  (*monitor)->run();
  monitor->reset();
  EXPECT_GT(*routes, 0);
  EXPECT_EQ(shell("ip route show default"), "default via 192.0.2.254 dev wan0 \n");
  EXPECT_EQ(shell("ip route show table all type unicast proto 115"), "")
      << "routes into a tunnel that is gone";
  std::ignore = io::HostApplier::cleanup(runtime_dir());
  EXPECT_EQ(snapshot(), before);
}

TEST_F(MonitorTest, EndsAnEngineThatSendsWhatIsNoRequest) {
  asio::io_context loop;
  const auto engine = [](io::EngineChannels channels) {
    std::ignore = channels.requests.receive_within(std::chrono::seconds{10});
    std::ignore = channels.requests.send("x");
    while (channels.requests.receive_within(std::chrono::seconds{10})) {
    }
    ::pause();
    return 0;
  };
  auto monitor = Monitor::open(loop, runtime_dir(), setup(), engine, Monitor::Rights::kAll);
  ASSERT_TRUE(monitor) << monitor.error().message;
  EXPECT_EQ((*monitor)->run(), config::ExitCode::kFailed);
}

// One that has closed its channel is given five seconds to end: they are not the next one's.
TEST_F(MonitorTest, GivesTheEngineAfterOneThatDiesAllTheTimeItWants) {
  asio::io_context loop;
  SharedNumber begun;
  SharedNumber lived;
  const auto engine = [&](io::EngineChannels channels) {
    std::ignore = channels.requests.receive_within(std::chrono::seconds{10});
    if (++(*begun) == 1) {
      channels.requests.take_fd().reset();
      std::this_thread::sleep_for(std::chrono::milliseconds{200});
      ::raise(SIGKILL);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{5500});
    ++(*lived);
    return 0;
  };
  auto monitor = Monitor::open(loop, runtime_dir(), setup(), engine, Monitor::Rights::kAll);
  ASSERT_TRUE(monitor) << monitor.error().message;
  (*monitor)->run();
  EXPECT_EQ(*begun, 2);
  EXPECT_EQ(*lived, 1);
}

TEST_F(MonitorTest, StartsAnotherEngineInPlaceOfOneThatDies) {
  asio::io_context loop;
  SharedNumber begun;
  const auto engine = [&begun](io::EngineChannels channels) {
    std::ignore = channels.requests.receive_within(std::chrono::seconds{10});
    ++(*begun);
    ::raise(SIGKILL);
    return 0;
  };
  auto monitor = Monitor::open(loop, runtime_dir(), setup(), engine, Monitor::Rights::kAll);
  ASSERT_TRUE(monitor) << monitor.error().message;
  EXPECT_EQ((*monitor)->run(), config::ExitCode::kFailed);
  EXPECT_EQ(*begun, 3) << "and no more, when it becomes a habit";
}

}  // namespace
}  // namespace isthmus::app
