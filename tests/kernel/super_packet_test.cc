// Linux as the judge of the packets and super-packets that a TunDevice reads and writes.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "io/tun_device.h"
#include "kernel/namespace_fixture.h"
#include "net/checksum.h"
#include "net/coalescer.h"
#include "net/segmenter.h"
#include "net/test_packets.h"

namespace isthmus::io {
namespace {

using std::chrono::steady_clock;

constexpr int kMtu = 1404;
constexpr std::uint16_t kPort = 5000;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Address address_of(const char* text, std::uint16_t port) {
  Address made;
  sockaddr_in v4{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {}, .sin_zero = {}};
  if (::inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
    std::memcpy(&made.storage, &v4, sizeof v4);
    made.size = sizeof v4;
    return made;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  EXPECT_EQ(::inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
  std::memcpy(&made.storage, &v6, sizeof v6);
  made.size = sizeof v6;
  return made;
}

UniqueFd socket_of(int version, int type) {
  return UniqueFd{::socket(version == 4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
}

const char* near_address(int version) {
  return version == 4 ? "10.9.0.1" : "2001:db8:9::1";
}
const char* far_address(int version) {
  return version == 4 ? "10.9.0.2" : "2001:db8:9::2";
}

class SuperPacketTest : public NamespaceTest {
 protected:
  // A device of the present namespace that leads from the one address to the other.
  static TunDevice open(TunOffloads wished, int version, bool is_near) {
    auto tun = TunDevice::open("isth0", kMtu, wished);
    EXPECT_TRUE(tun) << tun.error().message;
    const std::string local = is_near ? near_address(version) : far_address(version);
    const std::string remote = is_near ? far_address(version) : near_address(version);
    shell("ip addr add " + local + " peer " + remote + " dev isth0 nodad");
    // Linux makes the local route of an IPv6 address from a work queue; a packet that comes before it is
    // lost.
    shell("for i in $(seq 500); do [ -n \"$(ip route show table local " + local +
          "; ip -6 route show table local " + local +
          ")\" ] && exit 0; sleep 0.01; done; echo no local route; exit 1");
    return std::move(*tun);
  }
};

// The packet or super-packet of UDP from the far address to the near one.
Bytes datagram_to_us(int version, const Bytes& payload) {
  Bytes octets = test::packet_of({.version = version, .protocol = 17, .payload = payload});
  const bool is_v4 = version == 4;
  const std::size_t size = is_v4 ? 4 : 16;
  auto at = octets.begin() + (is_v4 ? 12 : 8);
  for (const char* text : {far_address(version), near_address(version)}) {
    std::array<std::uint8_t, 16> raw{};
    EXPECT_EQ(::inet_pton(is_v4 ? AF_INET : AF_INET6, text, raw.data()), 1);
    at = std::copy_n(raw.begin(), size, at);
  }
  test::set_u16(octets, (is_v4 ? 20 : 40) + 2, kPort);
  if (is_v4) complete_ipv4_checksum(MutableBytes{octets}.first(20));
  complete_transport_checksum(octets, *view_transport(octets));
  return octets;
}

std::vector<Bytes> received(int socket) {
  std::vector<Bytes> all;
  Bytes buffer(65536);
  for (ssize_t size = 0; (size = ::recv(socket, buffer.data(), buffer.size(), 0)) >= 0;)
    all.push_back(test::slice(buffer, 0, static_cast<std::size_t>(size)));
  return all;
}

TEST_F(SuperPacketTest, OfUdpArrivesAsTheDatagramsItStandsFor) {
  for (const int version : {4, 6}) {
    for (const TunOffloads offloads : {TunOffloads::kNone, TunOffloads::kTcp, TunOffloads::kTcpAndUdp}) {
      TunDevice tun = open(offloads, version, true);
      const UniqueFd socket = socket_of(version, SOCK_DGRAM);
      const Address here = address_of(near_address(version), kPort);
      ASSERT_EQ(::bind(socket.get(), here.get(), here.size), 0);
      const Bytes payload = test::random_octets(9500, 1);
      const Bytes super = datagram_to_us(version, payload);
      const Bytes before = super;
      ASSERT_TRUE(tun.write({.octets = super, .segment_size = 1000}));
      EXPECT_EQ(super, before);
      std::vector<Bytes> expected;
      for (std::size_t at = 0; at < 9500; at += 1000)
        expected.push_back(test::slice(payload, at, std::min<std::size_t>(1000, 9500 - at)));
      EXPECT_EQ(received(socket.get()), expected) << version << " " << static_cast<int>(offloads);
    }
  }
}

TEST_F(SuperPacketTest, IsNotWrittenIfItIsNone) {
  TunDevice tun = open(TunOffloads::kTcpAndUdp, 4, true);
  const Bytes packet = datagram_to_us(4, Bytes(900));
  EXPECT_FALSE(tun.write({.octets = packet, .segment_size = 900}));
  EXPECT_FALSE(tun.write({.octets = Bytes(900), .segment_size = 100}));
  EXPECT_TRUE(tun.write({.octets = packet}));
}

// The kernel leaves the checksum of what it sends itself to the reader, also of a single datagram.
TEST_F(SuperPacketTest, CompletesTheChecksumOfADatagram) {
  for (const int version : {4, 6}) {
    for (const TunOffloads offloads : {TunOffloads::kNone, TunOffloads::kTcpAndUdp}) {
      TunDevice tun = open(offloads, version, true);
      const UniqueFd socket = socket_of(version, SOCK_DGRAM);
      const Address there = address_of(far_address(version), kPort);
      const Bytes payload = test::random_octets(333, 1);
      ASSERT_EQ(::sendto(socket.get(), payload.data(), payload.size(), 0, there.get(), there.size), 333);
      Bytes buffer(TunDevice::kReadBuffer);
      const auto packet = tun.read(buffer);
      ASSERT_TRUE(packet);
      const auto view = view_transport(packet->octets);
      ASSERT_TRUE(view);
      EXPECT_EQ(transport_checksum_state(packet->octets, *view), ChecksumState::kRight);
    }
  }
}

TEST_F(SuperPacketTest, OfUdpIsReadWhereTheKernelHasThem) {
  for (const int version : {4, 6}) {
    TunDevice tun = open(TunOffloads::kTcpAndUdp, version, true);
    if (tun.offloads() != TunOffloads::kTcpAndUdp) GTEST_SKIP() << "this kernel is older than Linux 6.2";
    const UniqueFd socket = socket_of(version, SOCK_DGRAM);
    const int size = 1000;
    ASSERT_EQ(::setsockopt(socket.get(), IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size), 0);
    const Address there = address_of(far_address(version), kPort);
    const Bytes payload = test::random_octets(9500, 1);
    ASSERT_EQ(::sendto(socket.get(), payload.data(), payload.size(), 0, there.get(), there.size), 9500);
    Bytes buffer(TunDevice::kReadBuffer);
    const auto packet = tun.read(buffer);
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->segment_size, 1000);
    Bytes arrived;
    int packets = 0;
    cut(packet->octets, packet->segment_size, 0, [&](MutableBytes octets, std::uint16_t) {
      const auto view = view_transport(octets);
      ASSERT_TRUE(view);
      EXPECT_EQ(transport_checksum_state(octets, *view), ChecksumState::kRight);
      arrived.insert(arrived.end(), octets.begin() + static_cast<std::ptrdiff_t>(view->payload_at),
                     octets.end());
      ++packets;
    });
    EXPECT_EQ(packets, 10);
    EXPECT_EQ(arrived, payload);
  }
}

// --- a TCP connection between two namespaces, whose TUN interfaces this process joins

// What is done to packets on their way.
enum class Way : std::uint8_t { kAsTheyCome, kCut, kCutAndMerged };

class Wire final : public PacketSink {
 public:
  Wire(TunDevice& from, TunDevice& to, Way way) : from_(from), to_(to), way_(way) {}

  void carry() {
    for (int count = 0; count < 64; ++count) {
      const auto read = from_.read(buffer_);
      if (!read) break;
      if (read->segment_size != 0) ++supers_read;
      if (read->segment_size == 0 || way_ == Way::kAsTheyCome) {
        forward({.octets = read->octets, .segment_size = read->segment_size});
        continue;
      }
      EXPECT_TRUE(cut(read->octets, read->segment_size, 0,
                      [this](MutableBytes octets, std::uint16_t) { forward({.octets = octets}); }));
    }
    coalescer_.flush(*this);
  }

  void packet(const Packet& packet) override {
    if (packet.is_super()) ++supers_written;
    to_.write(packet);
  }

  int supers_read = 0;
  int supers_written = 0;
  int wrong_checksums = 0;

 private:
  void forward(const Packet& one) {
    const auto view = view_transport(one.octets);
    if (!one.is_super() && view && transport_checksum_state(one.octets, *view) != ChecksumState::kRight)
      ++wrong_checksums;
    if (way_ == Way::kCutAndMerged) return coalescer_.add(one, *this);
    packet(one);
  }

  TunDevice& from_;
  TunDevice& to_;
  Way way_;
  Bytes buffer_ = Bytes(TunDevice::kReadBuffer);
  Coalescer coalescer_;
};

class JoinedNamespaces : public SuperPacketTest {
 protected:
  // The near half is made first, since a socket stays in the namespace it was made in.
  void join(TunOffloads offloads, int version) {
    near_.reset();
    far_.reset();  // of an earlier pair, in the namespace that is the near one now
    near_.emplace(open(offloads, version, true));
    client_ = socket_of(version, SOCK_STREAM);
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    shell("ip link set lo up");
    far_.emplace(open(offloads, version, false));
    listener_ = socket_of(version, SOCK_STREAM);
    const Address there = address_of(far_address(version), kPort);
    ASSERT_EQ(::bind(listener_.get(), there.get(), there.size), 0);
    ASSERT_EQ(::listen(listener_.get(), 1), 0);
    ::connect(client_.get(), there.get(), there.size);
    ASSERT_EQ(errno, EINPROGRESS);
  }

  // Sends all, and what arrives until all has; bounded by time.
  Bytes transfer(const Bytes& all, Way way) {
    Wire there{*near_, *far_, way};
    Wire back{*far_, *near_, way};
    Bytes arrived;
    Bytes chunk(1 << 20);
    std::size_t sent = 0;
    UniqueFd server;
    const auto deadline = steady_clock::now() + std::chrono::seconds{20};
    while (arrived.size() < all.size() && steady_clock::now() < deadline) {
      const ssize_t taken = ::send(client_.get(), all.data() + sent, all.size() - sent, MSG_NOSIGNAL);
      if (taken > 0) sent += static_cast<std::size_t>(taken);
      there.carry();
      back.carry();
      if (!server.is_open()) server.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK));
      const ssize_t got = server.is_open() ? ::recv(server.get(), chunk.data(), chunk.size(), 0) : 0;
      if (got > 0) arrived.insert(arrived.end(), chunk.begin(), chunk.begin() + got);
    }
    supers_read_ = there.supers_read;
    supers_written_ = there.supers_written;
    wrong_checksums_ = there.wrong_checksums + back.wrong_checksums;
    return arrived;
  }

  // Whatever is done to packets on their way, the octets arrive as they were sent.
  void expect_to_carry(TunOffloads offloads, int version, Way way) {
    SCOPED_TRACE(version);
    join(offloads, version);
    const Bytes all = test::random_octets(4 << 20, 1);
    EXPECT_TRUE(transfer(all, way) == all);
    EXPECT_EQ(wrong_checksums_, 0);
  }

  std::optional<TunDevice> near_, far_;
  UniqueFd client_, listener_;
  int supers_read_ = 0, supers_written_ = 0, wrong_checksums_ = 0;
};

TEST_F(JoinedNamespaces, CarryATcpConnectionInSuperPackets) {
  for (const int version : {4, 6}) {
    expect_to_carry(TunOffloads::kTcpAndUdp, version, Way::kAsTheyCome);
    EXPECT_GT(supers_read_, 20);
    EXPECT_EQ(supers_written_, supers_read_);
  }
}

TEST_F(JoinedNamespaces, CarryATcpConnectionWhoseSuperPacketsAreCut) {
  for (const int version : {4, 6}) {
    expect_to_carry(TunOffloads::kTcpAndUdp, version, Way::kCut);
    EXPECT_GT(supers_read_, 20);
    EXPECT_EQ(supers_written_, 0);
  }
}

TEST_F(JoinedNamespaces, CarryATcpConnectionWhosePacketsAreMergedAgain) {
  for (const int version : {4, 6}) {
    expect_to_carry(TunOffloads::kTcpAndUdp, version, Way::kCutAndMerged);
    EXPECT_GT(supers_written_, 20);
  }
}

TEST_F(JoinedNamespaces, CarryATcpConnectionWithoutAnyOffload) {
  for (const int version : {4, 6}) {
    expect_to_carry(TunOffloads::kNone, version, Way::kCutAndMerged);
    EXPECT_EQ(supers_read_, 0);
    EXPECT_GT(supers_written_, 20);
  }
}

}  // namespace
}  // namespace isthmus::io
