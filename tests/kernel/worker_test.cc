// Workers at both ends of a cable, and Linux's TCP as the judge of what they carry.
#include "dataplane/worker.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <variant>

#include "io/socket_endpoint.h"
#include "kernel/joined_workers.h"
#include "net/test_packets.h"
#include "sim/allocation_count.h"

namespace isthmus::dataplane {
namespace {

using ::testing::IsEmpty;

struct UdpPair {
  io::UniqueFd sender = {}, receiver = {};
  io::SocketEndpoint there;
};

class WorkerTest : public JoinedWorkers {
 protected:
  // Whether 4 MiB on each of `connections` arrive as they were sent.
  bool carries_tcp(int version, std::size_t connections) {
    enter(Side::kFar);
    TcpTransfer transfer{inner(Side::kFar, version), version, connections};
    enter(Side::kNear);
    transfer.connect();
    return transfer.run(test::random_octets(4 << 20, 1), kPatience);
  }
  // Only for what would be an error: a sanitized program on a busy machine is slow.
  static constexpr double kPatience = 60;

  // When nothing is on the way any more, since each worker answers at a moment of its own.
  WorkerReport report_of_all_that_arrived() {
    WorkerReport seen = report();
    for (int tenth = 0; tenth < 100 && seen.tunnel.packets_sent != arrived(seen); ++tenth) {
      ::poll(nullptr, 0, 100);
      seen = report();
    }
    return seen;
  }
  static std::uint64_t arrived(const WorkerReport& report) {
    return report.tunnel.packets_received + report.tunnel.dropped(esp::Drop::kCongested);
  }

  // Each reason that counts something, by name; but not congestion, which is CoDel's answer to a machine so
  // slow that a queue stands, and TCP's to bear.
  static std::map<std::string_view, std::uint64_t> drops(const WorkerReport& report) {
    std::map<std::string_view, std::uint64_t> counted;
    for (std::size_t i = 0; i < esp::kDropCount; ++i) {
      const auto drop = static_cast<esp::Drop>(i);
      if (drop != esp::Drop::kCongested && report.tunnel.dropped(drop) != 0)
        counted[name_of(drop)] = report.tunnel.dropped(drop);
    }
    return counted;
  }

  template <typename Event>
  std::optional<Event> next(Worker& worker) {
    pollfd waiting{.fd = worker.events_fd(), .events = POLLIN, .revents = 0};
    while (::poll(&waiting, 1, 10'000) == 1) {
      for (WorkerEvent& event : worker.take_events()) {
        if (auto* const found = std::get_if<Event>(&event)) return std::move(*found);
        other_events.push_back(std::move(event));
      }
    }
    return std::nullopt;
  }
};

TEST_F(WorkerTest, CarryTcpUnharmed) {
  for (const std::size_t workers : {1U, 2U}) {
    for (const int outer : {4, 6}) {
      join({.workers = workers, .outer = outer});
      for (const int version : {4, 6}) {
        EXPECT_TRUE(carries_tcp(version, 4)) << workers << " " << outer << " " << version;
      }
      const WorkerReport seen = report_of_all_that_arrived();
      EXPECT_GT(seen.tunnel.packets_received, 20000U);
      EXPECT_EQ(seen.tunnel.packets_sent, arrived(seen));
      EXPECT_THAT(drops(seen), IsEmpty());
      EXPECT_EQ(seen.pump, PumpCounters{.congested = seen.pump.congested});
      EXPECT_TRUE(other_events.empty());
    }
  }
}

TEST_F(WorkerTest, CarryTcpWithoutAnyOffload) {
  lay_cable_offloads("off");
  for (const io::TunOffloads offloads :
       {io::TunOffloads::kNone, io::TunOffloads::kTcp, io::TunOffloads::kTcpAndUdp}) {
    join({.workers = 2, .offloads = offloads});
    for (const int version : {4, 6}) EXPECT_TRUE(carries_tcp(version, 4)) << version;
    EXPECT_THAT(drops(report()), IsEmpty());
  }
}

TEST_F(WorkerTest, SpreadFlowsOverBoth) {
  join({.workers = 2});
  EXPECT_TRUE(carries_tcp(4, 16));
  for (Gateway* gateway : {&near_, &far_}) {
    for (const auto& worker : gateway->workers) {
      worker->post(AskReport{});
      const auto one = next<WorkerReport>(*worker);
      ASSERT_TRUE(one);
      EXPECT_GT(one->tunnel.packets_sent, 100U);
      EXPECT_GT(one->tunnel.packets_received, 100U);
    }
  }
}

TEST_F(WorkerTest, AllocateNothingForPackets) {
  join({.workers = 2});
  ASSERT_TRUE(carries_tcp(4, 4));  // neighbours are known, and the kernel's mind is made up
  report();
  enter(Side::kFar);
  TcpTransfer transfer{inner(Side::kFar, 4), 4, 4};
  enter(Side::kNear);
  transfer.connect();
  const Bytes all = test::random_octets(8 << 20, 1);
  const std::uint64_t before = allocation_count();
  EXPECT_TRUE(transfer.run(all, kPatience));
  EXPECT_EQ(allocation_count(), before);
}

TEST_F(WorkerTest, EchoProbesAndSaySo) {
  join({});
  near_.workers[0]->post(
      esp::SendProbe{.generation = esp::Generation{1}, .token = 77, .size = 1400, .to = {}});
  const auto event = next<esp::TunnelEvent>(*near_.workers[0]);
  ASSERT_TRUE(event);
  const auto* const echo = std::get_if<esp::EchoArrived>(&*event);
  ASSERT_TRUE(echo);
  EXPECT_EQ(echo->token, 77U);
  EXPECT_EQ(echo->size, 1400U);
  EXPECT_EQ(echo->from, (Endpoint{.address = address("10.1.0.2"), .port = 4500}));
}

// A probe of the path's size goes by itself: a train as long as it would be lost with it.
TEST_F(WorkerTest, KeepCarryingWhenAProbeIsTooLong) {
  join({});
  enter(Side::kFar);
  TcpTransfer transfer{inner(Side::kFar, 4), 4, 4};
  enter(Side::kNear);
  transfer.connect();
  for (std::uint64_t token = 1; token <= 20; ++token)
    near_.workers[0]->post(
        esp::SendProbe{.generation = esp::Generation{1}, .token = token, .size = 1800, .to = {}});
  EXPECT_TRUE(transfer.run(test::random_octets(1 << 20, 1), kPatience));
  const auto error = next<io::PathError>(*near_.workers[0]);
  ASSERT_TRUE(error);
  EXPECT_TRUE(error->is_local);
  EXPECT_EQ(error->mtu, 1500U);
  EXPECT_EQ(report().pump.udp_refused, 20U);
}

TEST_F(WorkerTest, LeaveTheTunToOthersWhenTold) {
  join({});
  Worker& worker = *near_.workers[0];
  worker.post(LeaveTun{});
  ASSERT_TRUE(next<TunLeft>(worker));
  enter(Side::kNear);
  const io::UniqueFd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  const auto there = io::socket_endpoint({.address = address("10.9.0.2"), .port = 9}, Family::kIpv4);
  ASSERT_EQ(::sendto(socket.get(), "x", 1, 0, there.get(), there.size), 1);
  pollfd waiting{.fd = near_.tun->fd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&waiting, 1, 10'000), 1);
  Bytes buffer(io::TunQueue::kReadBuffer);
  EXPECT_TRUE(near_.tun->read(buffer));
  worker.post(ReadTun{});
  EXPECT_TRUE(carries_tcp(4, 1));
}

TEST_F(WorkerTest, TellWhenTheInterfaceIsGone) {
  join({});
  enter(Side::kNear);
  shell("ip link del isth0");
  EXPECT_TRUE(next<TunLost>(*near_.workers[0]));
}

TEST_F(WorkerTest, TellWhatACommandCouldNotDo) {
  join({});
  near_.workers[0]->post(esp::UseOutbound{esp::Generation{9}});
  const auto failed = next<CommandFailed>(*near_.workers[0]);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->error.code, Error::Code::kNotFound);
}

// Sends one octet with these ECN bits into the tunnel.
void send_with_ecn(const UdpPair& pair, int mark) {
  ::setsockopt(pair.sender.get(), IPPROTO_IP, IP_TOS, &mark, sizeof mark);
  ::sendto(pair.sender.get(), "x", 1, 0, pair.there.get(), pair.there.size);
}

// The same; the bits with which the next one arrives, or none.
std::optional<int> ecn_through(const UdpPair& pair, int mark) {
  send_with_ecn(pair, mark);
  pollfd waiting{.fd = pair.receiver.get(), .events = POLLIN, .revents = 0};
  if (::poll(&waiting, 1, 10'000) != 1) return std::nullopt;
  char octet = 0;
  iovec part{&octet, 1};
  std::array<char, 64> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(pair.receiver.get(), &message, 0) != 1) return std::nullopt;
  return *CMSG_DATA(CMSG_FIRSTHDR(&message));
}

// RFC 6040: the marks go along outside, and one that a router puts there comes in.
TEST_F(WorkerTest, CarryTheMarksOfCongestion) {
  join({});
  UdpPair pair{.there = io::socket_endpoint({.address = address("10.9.0.2"), .port = 99}, Family::kIpv4)};
  enter(Side::kNear);
  pair.sender.reset(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  enter(Side::kFar);
  pair.receiver.reset(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ASSERT_EQ(::setsockopt(pair.receiver.get(), IPPROTO_IP, IP_RECVTOS, &on, sizeof on), 0);
  ASSERT_EQ(::bind(pair.receiver.get(), pair.there.get(), pair.there.size), 0);
  for (int mark = 0; mark < 4; ++mark) EXPECT_EQ(ecn_through(pair, mark), mark);
  shell(
      "nft 'table ip marks { chain in { type filter hook prerouting priority -300; "
      "udp dport 4500 ip ecn set ce; }; }'");
  EXPECT_EQ(ecn_through(pair, 1), 3);
  EXPECT_EQ(ecn_through(pair, 2), 3);
  send_with_ecn(pair, 0);
  EXPECT_EQ(ecn_through(pair, 2), 3) << "what knows no marks does not arrive before it";
}

}  // namespace
}  // namespace isthmus::dataplane
