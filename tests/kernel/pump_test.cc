// A Pump whose turns the test gives, so that its queues stand however quick the machine is.
#include "dataplane/pump.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>

#include "dataplane/standing_queue.h"
#include "esp/test_sas.h"
#include "io/socket_endpoint.h"
#include "io/tun_device.h"
#include "kernel/namespace_fixture.h"
#include "net/checksum.h"

namespace isthmus::dataplane {
namespace {

using esp::test::parameters;
using std::chrono::steady_clock;

constexpr esp::Generation kGeneration{1};
constexpr Duration kInterval = StandingQueue::kInterval;
constexpr std::chrono::seconds kPatience{30};

class PumpTest : public io::NamespaceTest {
 protected:
  void SetUp() override {
    NamespaceTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    auto tun = io::TunDevice::open("isth0", 1400, io::TunOffloads::kNone);
    ASSERT_TRUE(tun) << tun.error().message;
    tun_.emplace(std::move(*tun));
    shell("ip addr add 10.9.0.1 peer 10.9.0.2 dev isth0; ip link set isth0 up txqueuelen 1000");
    peer_.reset(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const auto there = io::socket_endpoint(kPeer, Family::kIpv4);
    ASSERT_EQ(::bind(peer_.get(), there.get(), there.size), 0);
    host_.reset(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    auto queue = tun_->queues()[0].duplicate();
    auto socket = io::UdpSocket::open(kPump);
    ASSERT_TRUE(queue && socket);
    pump_.emplace(std::move(*queue), std::move(*socket), esp::TunnelOptions{});
    const std::vector<Prefix> all{prefix("0.0.0.0/0")};
    esp::Tunnel& tunnel = pump_->tunnel();
    ASSERT_TRUE(tunnel.apply(esp::SetSelector{Selector{all, all}}));
    ASSERT_TRUE(tunnel.apply(esp::InstallInbound{kGeneration, parameters(0x1001)}));
    ASSERT_TRUE(tunnel.apply(esp::InstallOutbound{kGeneration, parameters(0x1002)}));
    ASSERT_TRUE(tunnel.apply(esp::UseOutbound{kGeneration}));
    ASSERT_TRUE(tunnel.apply(esp::SetRemote{kPeer}));
  }

  // A host's packets for the tunnel, more than a turn takes, with these ECN bits.
  void fill_tun(int ecn) const {
    ::setsockopt(host_.get(), IPPROTO_IP, IP_TOS, &ecn, sizeof ecn);
    const auto there = io::socket_endpoint({.address = address("10.9.0.2"), .port = 9}, Family::kIpv4);
    for (int count = 0; count < 300; ++count) ::sendto(host_.get(), "x", 1, 0, there.get(), there.size);
  }

  // What the peer got of that, and of it what says that there is congestion.
  void read_peer() {
    const int on = 1;
    ::setsockopt(peer_.get(), IPPROTO_IP, IP_RECVTOS, &on, sizeof on);
    std::array<char, 2048> octets{};
    std::array<char, 64> control{};
    while (true) {
      iovec part{octets.data(), octets.size()};
      msghdr message{};
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      if (::recvmsg(peer_.get(), &message, 0) < 0) return;
      const cmsghdr* const tos = CMSG_FIRSTHDR(&message);
      if (tos != nullptr && (*CMSG_DATA(tos) & 3) == 3) ++marked_;
    }
  }

  // Until `is_enough`, with a queue that no turn empties.
  template <typename IsEnough>
  void carry_out_of_a_standing_queue(int ecn, IsEnough&& is_enough) {
    const auto began = steady_clock::now();
    while (!is_enough() && steady_clock::now() < began + kPatience) {
      fill_tun(ecn);
      pump_->carry_out();
      read_peer();
    }
    EXPECT_GE(steady_clock::now() - began, kInterval) << "a burst is no queue that stands";
  }

  const Endpoint kPump{.address = address("127.0.0.1"), .port = 4501};
  const Endpoint kPeer{.address = address("127.0.0.1"), .port = 4502};
  std::optional<io::TunDevice> tun_;
  io::UniqueFd peer_, host_;
  std::optional<Pump> pump_;
  std::uint64_t marked_ = 0;
};

TEST_F(PumpTest, DropsOfATunQueueThatStandsWhatKnowsNoMarks) {
  carry_out_of_a_standing_queue(0, [&] { return pump_->counters().congested >= 3; });
  EXPECT_GE(pump_->counters().congested, 3U);
  EXPECT_EQ(marked_, 0U);
}

TEST_F(PumpTest, MarksOfATunQueueThatStandsWhatKnowsMarks) {
  carry_out_of_a_standing_queue(2, [&] { return marked_ >= 3; });
  EXPECT_GE(marked_, 3U);
  EXPECT_EQ(pump_->counters().congested, 0U);
}

// As much comes as one turn takes.
TEST_F(PumpTest, LeavesATunQueueAloneThatEachTurnEmpties) {
  const auto began = steady_clock::now();
  while (steady_clock::now() < began + 40 * kInterval) {
    fill_tun(0);
    pump_->carry_out();
    pump_->carry_out();
    read_peer();
  }
  EXPECT_EQ(pump_->counters().congested, 0U);
  EXPECT_GT(pump_->tunnel().counters().packets_sent, 0U);
}

// The peer's end, which seals a datagram after the other.
class Peer {
 public:
  Peer() : tunnel_(esp::TunnelOptions{}) {
    EXPECT_TRUE(tunnel_.apply(esp::InstallOutbound{kGeneration, parameters(0x1001)}));
    EXPECT_TRUE(tunnel_.apply(esp::UseOutbound{kGeneration}));
    EXPECT_TRUE(tunnel_.apply(esp::SetRemote{{.address = *IpAddress::parse("127.0.0.1"), .port = 4501}}));
  }
  void send(const io::UniqueFd& socket, int count) {
    const auto there = io::socket_endpoint(*tunnel_.remote(), Family::kIpv4);
    for (int i = 0; i < count; ++i) {
      Bytes room =
          esp::test::with_room(esp::test::packet_of({.protocol = IPPROTO_UDP, .payload = Bytes(40)}));
      Bytes datagram(esp::sealed_size(room.size()));
      const auto sealed = tunnel_.seal(room, datagram);
      ASSERT_TRUE(sealed);
      ::sendto(socket.get(), datagram.data(), sealed->size, 0, there.get(), there.size);
    }
  }

 private:
  esp::Tunnel tunnel_;
};

TEST_F(PumpTest, DropsOfASocketsQueueThatStandsWhatKnowsNoMarks) {
  Peer peer;
  const auto dropped = [&] { return pump_->tunnel().counters().dropped(esp::Drop::kCongested); };
  const auto began = steady_clock::now();
  while (dropped() < 3 && steady_clock::now() < began + kPatience) {
    // More than a turn takes, and each waits for longer than CoDel's target.
    peer.send(peer_, 80);
    ::poll(nullptr, 0, 3);
    pump_->carry_in();
  }
  EXPECT_GE(steady_clock::now() - began, kInterval);
  EXPECT_GE(dropped(), 3U);
  EXPECT_EQ(pump_->tunnel().counters().unexpected_ecn, 0U) << "nobody on the way has done this";
}

// Few packets on a machine that is slow to wake: each waits, and none behind another.
TEST_F(PumpTest, LeavesASocketsQueueAloneThatEachTurnEmpties) {
  Peer peer;
  const auto began = steady_clock::now();
  while (steady_clock::now() < began + 40 * kInterval) {
    peer.send(peer_, 3);
    ::poll(nullptr, 0, 3);
    pump_->carry_in();
  }
  EXPECT_EQ(pump_->tunnel().counters().dropped(esp::Drop::kCongested), 0U);
  EXPECT_GT(pump_->tunnel().counters().packets_received, 0U);
}

}  // namespace
}  // namespace isthmus::dataplane
