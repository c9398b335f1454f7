// What a worker tells the control thread, and how much of it, however much others send.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <variant>

#include "dataplane/path_error_limit.h"
#include "io/socket_endpoint.h"
#include "kernel/joined_workers.h"
#include "net/checksum.h"
#include "net/test_packets.h"

namespace isthmus::dataplane {
namespace {

using std::chrono::steady_clock;

constexpr esp::Generation kFirst{1};

class WorkerEventsTest : public JoinedWorkers {
 protected:
  // Sends so many probes from the near side, a few at a time, so that each is echoed.
  void flood_with_probes(std::size_t wished) {
    Worker& near = *near_.workers[0];
    std::size_t echoed = 0;
    for (std::size_t sent = 0; sent < wished; sent += kProbes) {
      for (std::uint64_t token = 0; token < kProbes; ++token)
        near.post(esp::SendProbe{.generation = kFirst, .token = token, .size = 0, .to = {}});
      pollfd waiting{.fd = near.events_fd(), .events = POLLIN, .revents = 0};
      while (echoed < sent + kProbes && ::poll(&waiting, 1, 10'000) == 1) echoed += near.take_events().size();
    }
    EXPECT_GE(echoed, wished);
  }
  static constexpr std::size_t kProbes = 32;

  // Waits until the worker has obeyed all before.
  WorkerReport ask(Worker& worker) {
    worker.post(AskReport{});
    pollfd waiting{.fd = worker.events_fd(), .events = POLLIN, .revents = 0};
    while (::poll(&waiting, 1, 10'000) == 1) {
      for (WorkerEvent& event : worker.take_events()) {
        if (auto* const report = std::get_if<WorkerReport>(&event)) return std::move(*report);
      }
    }
    ADD_FAILURE() << "a worker does not answer";
    return {};
  }
};

// Where the next echo comes from; of a move, which it is too if that is not where packets go, nothing is
// said.
std::optional<Endpoint> echoed_from(Worker& worker) {
  pollfd waiting{.fd = worker.events_fd(), .events = POLLIN, .revents = 0};
  while (::poll(&waiting, 1, 10'000) == 1) {
    for (const WorkerEvent& event : worker.take_events()) {
      const auto* const said = std::get_if<esp::TunnelEvent>(&event);
      const auto* const echo = said != nullptr ? std::get_if<esp::EchoArrived>(said) : nullptr;
      if (echo != nullptr) return echo->from;
    }
  }
  return std::nullopt;
}

template <typename Event>
std::size_t count(const std::vector<WorkerEvent>& events) {
  return static_cast<std::size_t>(std::ranges::count_if(
      events, [](const WorkerEvent& event) { return std::holds_alternative<Event>(event); }));
}

// Takes nothing before `worker` has told that it has left its queue or `seconds` are over.
std::vector<WorkerEvent> events_until_left(Worker& worker, int seconds) {
  std::vector<WorkerEvent> all;
  for (int tenth = 0; tenth < 10 * seconds && count<TunLeft>(all) == 0; ++tenth) {
    ::poll(nullptr, 0, 100);
    std::ranges::move(worker.take_events(), std::back_inserter(all));
  }
  return all;
}

TEST_F(WorkerEventsTest, ThatWereAskedForFindRoomAmongAnyNumberOfAPeersProbes) {
  join({});
  Worker& far = *far_.workers[0];
  flood_with_probes(Worker::kMostEvents + 320);
  far.post(esp::UseOutbound{esp::Generation{9}});
  far.post(AskReport{});
  far.post(LeaveTun{});
  const std::vector<WorkerEvent> events = events_until_left(far, 10);
  EXPECT_EQ(count<CommandFailed>(events), 1U);
  EXPECT_EQ(count<WorkerReport>(events), 1U);
  EXPECT_EQ(count<TunLeft>(events), 1U);
  EXPECT_EQ(count<esp::TunnelEvent>(events), Worker::kMostEvents);
  EXPECT_GE(ask(far).tunnel.events_lost, 320U);
}

TEST_F(WorkerEventsTest, OfEchoesNameTheAddressThatWasProbed) {
  join({});
  enter(Side::kFar);
  shell("ip addr add 10.1.0.3/24 dev lan1; ip addr add 2001:db8:1::3/64 dev lan1 nodad");
  enter(Side::kNear);
  Worker& near = *near_.workers[0];
  for (const char* const place : {"10.1.0.2", "10.1.0.3", "2001:db8:1::2", "2001:db8:1::3"}) {
    const Endpoint to{.address = address(place), .port = 4500};
    near.post(esp::SendProbe{.generation = kFirst, .token = 1, .size = 0, .to = to});
    EXPECT_EQ(echoed_from(near), to);
  }
}

// A cable that takes next to nothing, for which the socket holds what it can.
TEST_F(WorkerEventsTest, OfLeavingComeWhereTheSocketGetsNoRoom) {
  join({});
  Worker& near = *near_.workers[0];
  enter(Side::kNear);
  shell("tc qdisc replace dev lan0 root tbf rate 8kbit burst 2000 limit 100mb");
  const io::UniqueFd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  const auto there = io::socket_endpoint({.address = address("10.9.0.2"), .port = 9}, Family::kIpv4);
  const Bytes datagram = test::random_octets(1300, 1);
  // What is read from the TUN no longer grows once the socket is full.
  std::uint64_t before = 0;
  for (std::uint64_t now = 1; now > before;) {
    before = now;
    for (int count = 0; count < 20'000; ++count)
      ::sendto(socket.get(), datagram.data(), datagram.size(), 0, there.get(), there.size);
    ::poll(nullptr, 0, 50);
    now = ask(near).tunnel.packets_sent;
  }
  near.post(LeaveTun{});
  EXPECT_EQ(count<TunLeft>(events_until_left(near, 10)), 1U);
  EXPECT_GT(ask(near).pump.outbox_full, 0U);
}

// A message of the far side's about a datagram from ESP's port to ESP's port: as anybody on the way may send
// it.
class Forger {
 public:
  // In the namespace that it sends from.
  explicit Forger(std::uint8_t type, std::uint8_t code)
      : socket_(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP)) {
    test::put(message_, std::uint32_t{type} << 8U | code, 2);
    test::put(message_, 0, 2);
    test::put(message_, 1300, 4);
    Bytes datagram = test::ip_header_of({.version = 4, .protocol = IPPROTO_UDP}, 16);
    const auto put_address = [&](std::size_t at, const char* text) {
      std::ranges::copy(IpAddress::parse(text)->octets(), datagram.begin() + static_cast<std::ptrdiff_t>(at));
    };
    put_address(12, "10.1.0.1");
    put_address(16, "10.1.0.2");
    test::put(datagram, 4500, 2);
    test::put(datagram, 4500, 2);
    test::put(datagram, 16, 2);
    test::put(datagram, 0, 2);
    test::put(datagram, 0x12345678, 4);
    test::put(datagram, 1, 4);
    std::ranges::copy(datagram, std::back_inserter(message_));
    store_u16(message_, 2, checksum_of(sum_octets(message_)));
  }

  void send() const {
    const auto there =
        io::socket_endpoint({.address = *IpAddress::parse("10.1.0.1"), .port = 0}, Family::kIpv4);
    ::sendto(socket_.get(), message_.data(), message_.size(), 0, there.get(), there.size);
  }

 private:
  io::UniqueFd socket_;
  Bytes message_;
};

TEST_F(WorkerEventsTest, OfForgedErrorsAreFewAndCostNoPacket) {
  join({});
  enter(Side::kFar);
  const Forger unreachable{3, 1};
  const Forger refused{3, 3};
  const Forger too_long{3, 4};
  TcpTransfer transfer{inner(Side::kFar, 4), 4, 1};
  enter(Side::kNear);
  transfer.connect();
  ask(*near_.workers[0]);
  const auto began = steady_clock::now();
  std::atomic<bool> is_over = false;
  std::atomic<unsigned> forged = 0;
  std::thread forging{[&] {
    while (!is_over) {
      for (const Forger* forger : {&unreachable, &refused, &too_long}) forger->send();
      forged += 3;
    }
  }};
  EXPECT_TRUE(transfer.run(test::random_octets(32 << 20, 1), 60));
  while (forged < 3 * PathErrorLimit::kFlood) ::poll(nullptr, 0, 10);
  is_over = true;
  forging.join();
  const std::vector<WorkerEvent> events = near_.workers[0]->take_events();
  const auto periods = static_cast<std::size_t>((steady_clock::now() - began) / PathErrorLimit::kPeriod) + 2;
  EXPECT_GE(count<io::PathError>(events), 1U);
  EXPECT_LE(count<io::PathError>(events), periods * 12) << "four of a kind in a second";
  EXPECT_EQ(ask(*near_.workers[0]).pump.udp_refused, 0U);
}

}  // namespace
}  // namespace isthmus::dataplane
