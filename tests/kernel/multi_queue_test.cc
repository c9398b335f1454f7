// A TUN interface of several queues, with Linux choosing among them.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <map>

#include "io/socket_endpoint.h"
#include "io/tun_device.h"
#include "kernel/namespace_fixture.h"
#include "net/big_endian.h"
#include "net/checksum.h"
#include "net/test_packets.h"
#include "net/transport_view.h"

namespace isthmus::io {
namespace {

constexpr std::size_t kQueues = 3;

class MultiQueueTest : public NamespaceTest {
 protected:
  void SetUp() override {
    NamespaceTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    auto made = TunDevice::open(kTunNamePattern, 1404, TunOffloads::kTcpAndUdp, kQueues);
    ASSERT_TRUE(made) << made.error().message;
    tun_.emplace(std::move(*made));
    shell("ip addr add 10.9.0.1 peer 10.9.0.2 dev isth0");
  }

  // From a port of its own, so of a flow of its own.
  static void send_from(std::uint16_t port) {
    const UniqueFd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    const SocketEndpoint here =
        socket_endpoint({.address = address("10.9.0.1"), .port = port}, Family::kIpv4);
    ASSERT_EQ(::bind(socket.get(), here.get(), here.size), 0);
    const SocketEndpoint there = socket_endpoint({.address = address("10.9.0.2"), .port = 9}, Family::kIpv4);
    ASSERT_EQ(::sendto(socket.get(), "x", 1, 0, there.get(), there.size), 1);
  }

  // By source port the queues where its packets were read.
  std::map<int, std::size_t> read_all() {
    std::map<int, std::size_t> queue_of;
    Bytes buffer(TunQueue::kReadBuffer);
    for (std::size_t i = 0; i < tun_->queues().size(); ++i) {
      while (const auto packet = tun_->queues()[i].read(buffer)) {
        const auto view = view_transport(packet->octets);
        if (view) queue_of[load_u16(packet->octets, view->transport_at)] = i;
      }
    }
    return queue_of;
  }

  std::optional<TunDevice> tun_;
};

TEST_F(MultiQueueTest, IsOneInterface) {
  EXPECT_EQ(tun_->queues().size(), kQueues);
  const std::string seen = shell("ip -d link show dev isth0");
  EXPECT_NE(seen.find("multi_queue"), std::string::npos) << seen;
  EXPECT_NE(seen.find("numqueues 3"), std::string::npos) << seen;
  EXPECT_EQ(shell("ip -o link show type tun | wc -l"), "1\n");
}

TEST_F(MultiQueueTest, SpreadsFlowsOverAllQueues) {
  for (std::uint16_t port = 2000; port < 2060; ++port) send_from(port);
  std::array<int, kQueues> flows{};
  for (const auto& [port, queue] : read_all()) ++flows[queue];
  EXPECT_EQ(flows[0] + flows[1] + flows[2], 60);
  for (const int count : flows) EXPECT_GT(count, 0);
}

TEST_F(MultiQueueTest, ReadsAFlowWhereItsAnswersAreWritten) {
  send_from(2000);
  const std::size_t before = read_all().at(2000);
  const std::size_t other = (before + 1) % kQueues;
  Bytes answer = test::packet_of({.protocol = 17, .source_port = 9, .payload = Bytes(10)});
  const std::array<std::uint8_t, 8> addresses{10, 9, 0, 2, 10, 9, 0, 1};
  std::ranges::copy(addresses, answer.begin() + kIpv4AddressesAt);
  test::set_u16(answer, 22, 2000);
  complete_ipv4_checksum(MutableBytes{answer}.first(20));
  complete_transport_checksum(answer, *view_transport(answer));
  ASSERT_TRUE(tun_->queues()[other].write({.octets = answer}));
  send_from(2000);
  EXPECT_EQ(read_all().at(2000), other);
}

TEST_F(MultiQueueTest, CarriesSuperPacketsOnEachQueue) {
  const Bytes payload = test::random_octets(5000, 1);
  Bytes super = test::packet_of({.protocol = 17, .payload = payload});
  const std::array<std::uint8_t, 8> addresses{10, 9, 0, 2, 10, 9, 0, 1};
  std::ranges::copy(addresses, super.begin() + kIpv4AddressesAt);
  test::set_u16(super, 22, 2000);
  const UniqueFd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  const SocketEndpoint here = socket_endpoint({.address = address("10.9.0.1"), .port = 2000}, Family::kIpv4);
  ASSERT_EQ(::bind(socket.get(), here.get(), here.size), 0);
  for (TunQueue& queue : tun_->queues()) {
    ASSERT_TRUE(queue.write({.octets = super, .segment_size = 1000}));
    Bytes arrived(2000);
    for (int count = 0; count < 5; ++count)
      EXPECT_EQ(::recv(socket.get(), arrived.data(), arrived.size(), 0), 1000);
  }
}

TEST_F(MultiQueueTest, MayBeReadByADuplicate) {
  std::vector<TunQueue> duplicates;
  for (const TunQueue& queue : tun_->queues()) {
    auto duplicate = queue.duplicate();
    ASSERT_TRUE(duplicate);
    EXPECT_EQ(duplicate->offloads(), queue.offloads());
    duplicates.push_back(std::move(*duplicate));
  }
  send_from(2000);
  Bytes buffer(TunQueue::kReadBuffer);
  int packets = 0;
  for (TunQueue& queue : duplicates) packets += queue.read(buffer) ? 1 : 0;
  EXPECT_EQ(packets, 1);
  EXPECT_TRUE(read_all().empty());
}

TEST_F(MultiQueueTest, GoesWithItsLastDescriptor) {
  auto duplicate = tun_->queues()[1].duplicate();
  ASSERT_TRUE(duplicate);
  tun_.reset();
  shell("ip link show dev isth0");
  duplicate = fail(Error::Code::kClosed, "");
  EXPECT_EQ(shell("ip -o link show type tun | wc -l"), "0\n");
}

}  // namespace
}  // namespace isthmus::io
