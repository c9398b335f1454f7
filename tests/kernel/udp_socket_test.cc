// Linux as the judge of a UdpSocket: plain sockets at the other end, and a TUN interface as the wire.
#include "io/udp_socket.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <set>

#include "io/socket_endpoint.h"
#include "io/tun_device.h"
#include "kernel/namespace_fixture.h"
#include "net/big_endian.h"
#include "net/checksum.h"
#include "net/test_packets.h"

namespace isthmus::io {
namespace {

constexpr std::uint16_t kPort = 4500;

Endpoint at(const char* text, std::uint16_t port) {
  return {.address = *IpAddress::parse(text), .port = port};
}

const char* loopback(int version) {
  return version == 4 ? "127.0.0.1" : "::1";
}

// What anybody would open, one datagram a call.
class PlainSocket {
 public:
  explicit PlainSocket(int version, std::uint16_t port = kPort)
      : fd_(::socket(version == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    const int on = 1;
    const int large = 4 << 20;
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &large, sizeof large);
    ::setsockopt(fd_.get(), version == 4 ? IPPROTO_IP : IPPROTO_IPV6,
                 version == 4 ? IP_RECVTOS : IPV6_RECVTCLASS, &on, sizeof on);
    const Family family = version == 4 ? Family::kIpv4 : Family::kIpv6;
    const SocketEndpoint here = socket_endpoint(at(loopback(version), port), family);
    EXPECT_EQ(::bind(fd_.get(), here.get(), here.size), 0);
  }

  [[nodiscard]] int fd() const { return fd_.get(); }

  // All that has come; the traffic classes of them are remembered.
  std::vector<Bytes> received() {
    std::vector<Bytes> all;
    Bytes buffer(65536);
    std::array<char, 256> control{};
    while (true) {
      iovec part{buffer.data(), buffer.size()};
      msghdr message{};
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      const ssize_t size = ::recvmsg(fd_.get(), &message, 0);
      if (size < 0) return all;
      all.push_back(test::slice(buffer, 0, static_cast<std::size_t>(size)));
      for (cmsghdr* at = CMSG_FIRSTHDR(&message); at != nullptr; at = CMSG_NXTHDR(&message, at))
        classes.insert(*CMSG_DATA(at));
    }
  }

  void send(const Endpoint& to, ConstBytes octets) const {
    const Family family = to.address.is_v4() ? Family::kIpv4 : Family::kIpv6;
    const SocketEndpoint there = socket_endpoint(to, family);
    EXPECT_EQ(::sendto(fd_.get(), octets.data(), octets.size(), 0, there.get(), there.size),
              static_cast<ssize_t>(octets.size()));
  }

  std::set<int> classes;

 private:
  UniqueFd fd_;
};

std::vector<Bytes> cut_up(const Bytes& octets, std::size_t size) {
  std::vector<Bytes> pieces;
  for (std::size_t at = 0; at < octets.size(); at += size)
    pieces.push_back(test::slice(octets, at, std::min(size, octets.size() - at)));
  return pieces;
}

bool send_all(UdpSocket& socket, std::vector<Train> trains) {
  std::span<Train> left{trains};
  return socket.send(left) && left.empty();
}

// The datagrams of all that `socket` gets within a moment.
std::vector<Bytes> datagrams(UdpSocket& socket, ReceiveBuffers& buffers) {
  std::vector<Bytes> all;
  pollfd waiting{.fd = socket.fd(), .events = POLLIN, .revents = 0};
  while (::poll(&waiting, 1, 20) == 1) {
    const auto trains = socket.receive(buffers, ReceiveBuffers::kTrains);
    if (trains.empty()) break;
    for (const ReceivedTrain& train : trains) {
      const Bytes octets{train.octets.begin(), train.octets.end()};
      std::ranges::move(cut_up(octets, train.segment_size), std::back_inserter(all));
    }
  }
  return all;
}

class UdpSocketTest : public NamespaceTest {
 protected:
  static UdpSocket open(const Endpoint& local = {}) {
    auto socket = UdpSocket::open(local);
    EXPECT_TRUE(socket) << socket.error().message;
    return std::move(*socket);
  }
};

TEST_F(UdpSocketTest, SendsATrainAsItsDatagrams) {
  for (const int version : {4, 6}) {
    UdpSocket socket = open();
    PlainSocket far{version};
    const Endpoint to = at(loopback(version), kPort);
    const Bytes longest = test::random_octets(kMaxTrainOctets, 1);
    const Bytes most = test::random_octets(64 * 100, 2);
    ASSERT_TRUE(send_all(socket, {{.octets = longest, .segment_size = 1444, .to = to},
                                  {.octets = most, .segment_size = 100, .to = to},
                                  {.octets = ConstBytes{most}.first(77), .segment_size = 77, .to = to}}));
    std::vector<Bytes> expected = cut_up(longest, 1444);
    std::ranges::copy(cut_up(most, 100), std::back_inserter(expected));
    expected.push_back(test::slice(most, 0, 77));
    EXPECT_EQ(far.received(), expected) << version;
    EXPECT_EQ(socket.refused(), 0U);
    EXPECT_FALSE(socket.uncut_towards());
  }
}

TEST_F(UdpSocketTest, ReceivesATrainInOnePiece) {
  for (const int version : {4, 6}) {
    UdpSocket sender = open();
    UdpSocket receiver = open(at("::", kPort));
    ReceiveBuffers buffers;
    const Bytes octets = test::random_octets(45 * 1444 - 5, 1);
    ASSERT_TRUE(send_all(sender, {{.octets = octets,
                                   .segment_size = 1444,
                                   .to = at(loopback(version), kPort),
                                   .traffic_class = 0xb9}}));
    const auto trains = receiver.receive(buffers, 8);
    ASSERT_EQ(trains.size(), 1U);
    EXPECT_TRUE(std::ranges::equal(trains[0].octets, octets));
    EXPECT_EQ(trains[0].segment_size, 1444U);
    EXPECT_EQ(trains[0].from, at(loopback(version), sender.local()->port));
    EXPECT_EQ(trains[0].traffic_class, 0xb9);
  }
}

TEST_F(UdpSocketTest, TellsHowLongADatagramWaited) {
  UdpSocket sender = open();
  UdpSocket receiver = open(at("::", kPort));
  ReceiveBuffers buffers;
  const Bytes octets(100);
  // The kernel begins to stamp a moment after it was asked to, if nobody had asked before.
  ::poll(nullptr, 0, 100);
  const auto started = std::chrono::steady_clock::now();
  ASSERT_TRUE(send_all(sender, {{.octets = octets, .segment_size = 100, .to = at("127.0.0.1", kPort)}}));
  ::poll(nullptr, 0, 30);
  const auto trains = receiver.receive(buffers, 1);
  ASSERT_EQ(trains.size(), 1U);
  EXPECT_GE(trains[0].waited, std::chrono::milliseconds{29});
  EXPECT_LE(trains[0].waited, std::chrono::steady_clock::now() - started);
}

TEST_F(UdpSocketTest, GivesDatagramsTheirTrafficClass) {
  for (const int version : {4, 6}) {
    UdpSocket socket = open();
    PlainSocket far{version};
    const Endpoint to = at(loopback(version), kPort);
    const Bytes octets = test::random_octets(3000, 1);
    ASSERT_TRUE(send_all(socket, {{.octets = octets, .segment_size = 1000, .to = to, .traffic_class = 3},
                                  {.octets = octets, .segment_size = 3000, .to = to, .traffic_class = 0xb9},
                                  {.octets = octets, .segment_size = 1500, .to = to}}));
    EXPECT_EQ(far.received().size(), 6U);
    EXPECT_EQ(far.classes, (std::set<int>{0, 3, 0xb9})) << version;
  }
}

TEST_F(UdpSocketTest, OfOneFamilyIsOpenedForAnAddressOfIt) {
  for (const int version : {4, 6}) {
    UdpSocket socket = open(at(loopback(version), 0));
    PlainSocket far{version};
    const Bytes octets = test::random_octets(300, 1);
    ASSERT_TRUE(
        send_all(socket, {{.octets = octets, .segment_size = 100, .to = at(loopback(version), kPort)}}));
    EXPECT_EQ(far.received().size(), 3U);
    EXPECT_EQ(socket.local()->address, address(loopback(version)));
  }
}

TEST_F(UdpSocketTest, TellsTheAddressThatADatagramCameToAndAnswersFromIt) {
  shell("ip addr add 127.0.0.77/8 dev lo; ip addr add fd00::77/128 dev lo nodad");
  ReceiveBuffers buffers;
  for (const char* const place : {"127.0.0.77", "fd00::77"}) {
    for (const char* const bound : {"::", place}) {
      UdpSocket socket = open(at(bound, kPort));
      UdpSocket asker = open();
      const Bytes octets = test::random_octets(100, 1);
      ASSERT_TRUE(send_all(asker, {{.octets = octets, .segment_size = 100, .to = at(place, kPort)}}));
      const auto asked = socket.receive(buffers, 1);
      ASSERT_EQ(asked.size(), 1U);
      EXPECT_EQ(asked[0].to, address(place)) << bound;
      const Endpoint back = asked[0].from;
      ASSERT_TRUE(send_all(
          socket,
          {{.octets = octets, .segment_size = 50, .to = back, .traffic_class = 2, .from = asked[0].to}}));
      const auto answer = asker.receive(buffers, 1);
      ASSERT_EQ(answer.size(), 1U);
      EXPECT_EQ(answer[0].from, at(place, kPort)) << bound;
      EXPECT_EQ(answer[0].segment_size, 50U);
    }
  }
}

TEST_F(UdpSocketTest, SaysWhoHasItsPort) {
  const UdpSocket first = open(at("0.0.0.0", kPort));
  const auto second = UdpSocket::open(at("0.0.0.0", kPort));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Error::Code::kExists);
}

// Linux refuses to cut up what has no checksum, as older ones do for devices that compute none.
TEST_F(UdpSocketTest, SendsSinglyWhereTheKernelCutsNothing) {
  UdpSocket socket = open();
  const int on = 1;
  ASSERT_EQ(::setsockopt(socket.fd(), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on), 0);
  PlainSocket far{4};
  const Endpoint to = at("127.0.0.1", kPort);
  const Bytes octets = test::random_octets(64 * 100 - 7, 1);
  const Train train{.octets = octets, .segment_size = 100, .to = to};
  ASSERT_TRUE(send_all(socket, {train, train}));
  std::vector<Bytes> expected = cut_up(octets, 100);
  std::ranges::copy(cut_up(octets, 100), std::back_inserter(expected));
  EXPECT_EQ(far.received(), expected);
  EXPECT_EQ(socket.uncut_towards(), to);
  EXPECT_EQ(socket.refused(), 0U);
}

TEST_F(UdpSocketTest, SteersByTheFirstWord) {
  constexpr std::size_t kCount = 3;
  auto group = UdpSocket::open_group(at("::", 0), kCount);
  ASSERT_TRUE(group) << group.error().message;
  const std::uint16_t port = group->front().local()->port;
  for (const int version : {4, 6}) {
    const PlainSocket sender{version};
    const Endpoint to = at(loopback(version), port);
    for (std::uint32_t spi = 256; spi < 256 + 30; ++spi) {
      Bytes octets;
      test::put(octets, spi, 4);
      octets.resize(60);
      sender.send(to, octets);
    }
    sender.send(to, Bytes{0xff});
    sender.send(to, Bytes(40));
    ReceiveBuffers buffers;
    for (std::size_t number = 0; number < kCount; ++number) {
      const std::vector<Bytes> got = datagrams((*group)[number], buffers);
      EXPECT_EQ(got.size(), number == 0 ? 12U : 10U) << version << " " << number;
      for (const Bytes& octets : got) {
        const bool is_esp = octets.size() == 60;
        EXPECT_EQ(is_esp ? load_u32(octets, 0) % kCount : 0U, number);
      }
    }
  }
}

TEST_F(UdpSocketTest, PassesOverAPortThatNobodyListensOn) {
  for (const int version : {4, 6}) {
    UdpSocket socket = open();
    const Endpoint closed = at(loopback(version), 9);
    const Bytes octets = test::random_octets(100, 1);
    const Train knock{.octets = octets, .segment_size = 100, .to = closed};
    PlainSocket far{version};
    for (int count = 0; count < 3; ++count) {
      ASSERT_TRUE(send_all(socket, {knock}));
      ASSERT_TRUE(
          send_all(socket, {{.octets = octets, .segment_size = 100, .to = at(loopback(version), kPort)}}));
    }
    EXPECT_EQ(far.received().size(), 3U);
    ReceiveBuffers buffers;
    EXPECT_TRUE(socket.receive(buffers, 1).empty());
    const auto error = socket.read_error();
    ASSERT_TRUE(error);
    EXPECT_EQ(error->to, closed);
    EXPECT_EQ(error->os_errno, ECONNREFUSED);
    EXPECT_FALSE(error->is_local);
    EXPECT_EQ(error->first_word, load_u32(octets, 0));
    EXPECT_FALSE(error->mtu);
  }
}

TEST_F(UdpSocketTest, CountsWhatIsLongerThanTheDeviceTakes) {
  shell("ip addr add 10.5.0.1/24 dev lan1 && ip link set lan0 mtu 1400");
  UdpSocket socket = open();
  const Endpoint to = at("10.1.0.9", kPort);
  const Bytes octets = test::random_octets(1400, 1);
  ASSERT_TRUE(send_all(socket, {{.octets = octets, .segment_size = 1400, .to = to}}));
  EXPECT_EQ(socket.refused(), 1U);
  const auto error = socket.read_error();
  ASSERT_TRUE(error);
  EXPECT_TRUE(error->is_local);
  EXPECT_EQ(error->mtu, 1400U);
}

// --- a TUN interface as the wire, on which the test is the network

class UdpWireTest : public UdpSocketTest {
 protected:
  TunDevice open_wire() {
    auto tun = TunDevice::open("isth0", 1500, TunOffloads::kNone);
    EXPECT_TRUE(tun) << tun.error().message;
    shell("ip addr add 10.9.0.1 peer 10.9.0.2 dev isth0; ip addr add fd00::1 peer fd00::2 dev isth0 nodad");
    // The kernel notices the carrier, and makes the route usable, a moment later.
    shell(
        "for i in $(seq 200); do ip -6 route get fd00::2 2>/dev/null | grep -q 'dev isth0' && exit 0; "
        "sleep 0.02; done; echo no route; exit 1");
    return std::move(*tun);
  }

  Bytes read(TunDevice& tun) {
    const auto packet = tun.read(buffer_);
    return packet ? Bytes{packet->octets.begin(), packet->octets.end()} : Bytes{};
  }

  Bytes buffer_ = Bytes(TunDevice::kReadBuffer);
};

Bytes icmp_too_big(const Bytes& packet, std::size_t quoted, std::uint32_t mtu) {
  const bool is_v4 = packet[0] >> 4 == 4;
  Bytes message;
  test::put(message, is_v4 ? 0x0304 : 0x0200, 2);
  test::put(message, 0, 2);
  test::put(message, mtu, 4);
  const Bytes quote = test::slice(packet, 0, std::min(quoted, packet.size()));
  message.insert(message.end(), quote.begin(), quote.end());
  const std::size_t header = is_v4 ? 20 : 40;
  Bytes whole = test::ip_header_of({.version = is_v4 ? 4 : 6, .protocol = is_v4 ? 1 : 58}, message.size());
  const std::size_t size = is_v4 ? 4 : 16;
  const auto from = static_cast<std::ptrdiff_t>(is_v4 ? 12 : 8);
  const auto half = static_cast<std::ptrdiff_t>(size);
  std::copy_n(packet.begin() + from + half, half, whole.begin() + from);
  std::copy_n(packet.begin() + from, half, whole.begin() + from + half);
  if (is_v4) complete_ipv4_checksum(whole);
  const std::uint32_t pseudo =
      is_v4 ? 0
            : sum_octets(ConstBytes{whole}.subspan(8, 32)) + 58 + static_cast<std::uint32_t>(message.size());
  store_u16(message, 2, checksum_of(pseudo + sum_octets(message)));
  whole.insert(whole.end(), message.begin(), message.end());
  EXPECT_EQ(whole.size(), header + message.size());
  return whole;
}

TEST_F(UdpWireTest, DatagramsMayNotBeFragmented) {
  TunDevice tun = open_wire();
  UdpSocket socket = open();
  const Bytes octets = test::random_octets(1400, 1);
  ASSERT_TRUE(send_all(socket, {{.octets = octets, .segment_size = 1400, .to = at("10.9.0.2", kPort)}}));
  const Bytes packet = read(tun);
  ASSERT_EQ(packet.size(), 1428U);
  EXPECT_EQ(load_u16(packet, kIpv4FragmentAt), kIpv4DontFragment);
}

TEST_F(UdpWireTest, TellsOfAnIcmpMessageWithoutObeyingIt) {
  TunDevice tun = open_wire();
  for (const int version : {4, 6}) {
    UdpSocket socket = open();
    const Endpoint to = at(version == 4 ? "10.9.0.2" : "fd00::2", kPort);
    Bytes octets = test::random_octets(1400, 1);
    store_u32(octets, 0, 0x1234abcd);
    const Train train{.octets = octets, .segment_size = 1400, .to = to};
    ASSERT_TRUE(send_all(socket, {train}));
    const Bytes packet = read(tun);
    ASSERT_EQ(packet.size(), version == 4 ? 1428U : 1448U);
    ASSERT_TRUE(tun.write({.octets = icmp_too_big(packet, 576, 1300)}));
    const auto error = socket.read_error();
    ASSERT_TRUE(error) << version;
    EXPECT_EQ(error->to, to);
    EXPECT_EQ(error->os_errno, EMSGSIZE);
    EXPECT_EQ(error->mtu, 1300U);
    EXPECT_EQ(error->first_word, 0x1234abcdU);
    EXPECT_FALSE(error->is_local);
    EXPECT_FALSE(socket.read_error());
    ASSERT_TRUE(send_all(socket, {train}));
    EXPECT_EQ(read(tun).size(), packet.size());
  }
}

// Some routers quote no more than RFC 792 asks of them.
TEST_F(UdpWireTest, KnowsNoFirstWordWhereNoneWasQuoted) {
  TunDevice tun = open_wire();
  UdpSocket socket = open();
  const Bytes octets = test::random_octets(1400, 1);
  ASSERT_TRUE(send_all(socket, {{.octets = octets, .segment_size = 1400, .to = at("10.9.0.2", kPort)}}));
  ASSERT_TRUE(tun.write({.octets = icmp_too_big(read(tun), 28, 1300)}));
  const auto error = socket.read_error();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->mtu, 1300U);
  EXPECT_FALSE(error->first_word);
}

}  // namespace
}  // namespace isthmus::io
