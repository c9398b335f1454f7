#include "kernel/joined_workers.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/seeded_random.h"
#include "io/socket_endpoint.h"

namespace isthmus::dataplane {
namespace {

using std::chrono::steady_clock;

constexpr std::uint16_t kEspPort = 4500;
constexpr std::uint16_t kTcpPort = 5000;
constexpr esp::Generation kGeneration{1};

io::UniqueFd present_namespace() {
  return io::UniqueFd{::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)};
}

std::string path_of(const io::UniqueFd& fd) {
  return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd.get());
}

esp::SaParameters parameters(bool is_near, std::size_t worker, std::size_t workers) {
  const auto number = static_cast<std::uint32_t>(worker);
  const std::uint32_t base = (is_near ? 0x10000U : 0x20000U) * static_cast<std::uint32_t>(workers);
  esp::SaParameters sa;
  sa.spi = esp::Spi{base + number};
  SeededRandom random{base + number};
  random.fill(sa.key.writable());
  random.fill(sa.salt);
  return sa;
}

void add(PumpCounters& sum, const PumpCounters& more) {
  sum.tun_refused += more.tun_refused;
  sum.tun_unreadable += more.tun_unreadable;
  sum.udp_refused += more.udp_refused;
  sum.udp_truncated += more.udp_truncated;
  sum.outbox_full += more.outbox_full;
  sum.congested += more.congested;
}

void add(esp::TunnelCounters& sum, const esp::TunnelCounters& more) {
  sum.packets_sent += more.packets_sent;
  sum.packets_received += more.packets_received;
  sum.octets_sent += more.octets_sent;
  sum.octets_received += more.octets_received;
  for (std::size_t i = 0; i < sum.drops.size(); ++i) sum.drops[i] += more.drops[i];
}

io::UniqueFd tcp_socket(int version) {
  return io::UniqueFd{
      ::socket(version == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
}

}  // namespace

void JoinedWorkers::SetUp() {
  NamespaceTest::SetUp();
  if (IsSkipped() || HasFatalFailure()) return;
  near_space_ = present_namespace();
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
  far_space_ = present_namespace();
  enter(Side::kNear);
  shell("ip link set lan1 netns " + path_of(far_space_));
  enter(Side::kFar);
  shell("ip link set lo up && ip link set lan1 up && ip addr add 10.1.0.2/24 dev lan1");
  shell("ip addr add 2001:db8:1::2/64 dev lan1 nodad");
}

void JoinedWorkers::TearDown() {
  near_ = {};
  far_ = {};
}

void JoinedWorkers::enter(Side side) const {
  ASSERT_EQ(::setns((side == Side::kNear ? near_space_ : far_space_).get(), CLONE_NEWNET), 0);
}

const char* JoinedWorkers::inner(Side side, int version) {
  if (version == 4) return side == Side::kNear ? "10.9.0.1" : "10.9.0.2";
  return side == Side::kNear ? "fd09::1" : "fd09::2";
}

void JoinedWorkers::lay_cable_offloads(const std::string& on_or_off) const {
  const std::string words = " tso " + on_or_off + " gso " + on_or_off + " gro " + on_or_off;
  enter(Side::kNear);
  shell("ethtool -K lan0" + words + " >/dev/null");
  enter(Side::kFar);
  shell("ethtool -K lan1" + words + " >/dev/null");
}

void JoinedWorkers::join(const Shape& shape) {
  near_ = {};
  far_ = {};
  open(Side::kNear, shape);
  open(Side::kFar, shape);
  install(Side::kNear, shape);
  install(Side::kFar, shape);
}

void JoinedWorkers::open(Side side, const Shape& shape) {
  enter(side);
  Gateway& gateway = side == Side::kNear ? near_ : far_;
  const Side other = side == Side::kNear ? Side::kFar : Side::kNear;
  auto tun = io::TunDevice::open("isth0", 1400, shape.offloads, shape.workers);
  ASSERT_TRUE(tun) << tun.error().message;
  for (const int version : {4, 6}) {
    shell(std::string{"ip addr add "} + inner(side, version) + " peer " + inner(other, version) +
          " dev isth0" + (version == 6 ? " nodad" : ""));
  }
  auto sockets = io::UdpSocket::open_group({.address = address("::"), .port = kEspPort}, shape.workers);
  ASSERT_TRUE(sockets) << sockets.error().message;
  for (std::size_t i = 0; i < shape.workers; ++i) {
    auto queue = tun->queues()[i].duplicate();
    ASSERT_TRUE(queue);
    auto worker = Worker::start(std::move(*queue), std::move((*sockets)[i]), shape.options);
    ASSERT_TRUE(worker) << worker.error().message;
    gateway.workers.push_back(std::move(*worker));
  }
  gateway.tun.emplace(std::move(*tun));
}

// Each worker of the sender sends to the worker of the same number.
void JoinedWorkers::install(Side sender, const Shape& shape) {
  const bool is_near = sender == Side::kNear;
  Gateway& from = is_near ? near_ : far_;
  Gateway& to = is_near ? far_ : near_;
  const std::vector<Prefix> all{prefix("0.0.0.0/0"), prefix("::/0")};
  const char* const there =
      shape.outer == 4 ? (is_near ? "10.1.0.2" : "10.1.0.1") : (is_near ? "2001:db8:1::2" : "2001:db8:1::1");
  for (std::size_t i = 0; i < shape.workers; ++i) {
    to.workers[i]->post(
        esp::InstallInbound{.generation = kGeneration, .sa = parameters(is_near, i, shape.workers)});
    to.workers[i]->post(esp::SetSelector{Selector{all, all}});
    Worker& worker = *from.workers[i];
    worker.post(esp::InstallOutbound{.generation = kGeneration, .sa = parameters(is_near, i, shape.workers)});
    worker.post(esp::SetRemote{{.address = address(there), .port = kEspPort}});
    worker.post(esp::UseOutbound{kGeneration});
    worker.post(ReadTun{});
  }
}

WorkerReport JoinedWorkers::report() {
  WorkerReport sum;
  for (Gateway* gateway : {&near_, &far_}) {
    for (const auto& worker : gateway->workers) {
      const WorkerReport one = report_of(*worker);
      add(sum.tunnel, one.tunnel);
      add(sum.pump, one.pump);
    }
  }
  return sum;
}

WorkerReport JoinedWorkers::report_of(Worker& worker) {
  worker.post(AskReport{});
  pollfd waiting{.fd = worker.events_fd(), .events = POLLIN, .revents = 0};
  while (::poll(&waiting, 1, 10'000) == 1) {
    std::optional<WorkerReport> found;
    for (WorkerEvent& event : worker.take_events()) {
      if (auto* const report = std::get_if<WorkerReport>(&event)) {
        found = std::move(*report);
        continue;
      }
      other_events.push_back(std::move(event));
    }
    if (found) return *found;
  }
  ADD_FAILURE() << "a worker does not answer";
  return {};
}

TcpTransfer::TcpTransfer(const std::string& to, int version, std::size_t connections)
    : to_(to), version_(version), listener_(tcp_socket(version)), connections_(connections) {
  const Endpoint here{.address = *IpAddress::parse(to), .port = kTcpPort};
  const auto address = io::socket_endpoint(here, here.address.family());
  const int on = 1;
  ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  EXPECT_EQ(::bind(listener_.get(), address.get(), address.size), 0);
  EXPECT_EQ(::listen(listener_.get(), 64), 0);
}

void TcpTransfer::connect() {
  const Endpoint there{.address = *IpAddress::parse(to_), .port = kTcpPort};
  const auto address = io::socket_endpoint(there, there.address.family());
  for (Connection& connection : connections_) {
    connection.client = tcp_socket(version_);
    ::connect(connection.client.get(), address.get(), address.size);
    EXPECT_EQ(errno, EINPROGRESS);
    pollfd waiting{.fd = listener_.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&waiting, 1, 10'000), 1) << "no connection arrived";
    connection.server.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  }
}

bool TcpTransfer::run(const Bytes& all, double seconds) {
  const auto deadline = steady_clock::now() + std::chrono::duration<double>{seconds};
  bool are_equal = true;
  bool is_done = false;
  while (are_equal && !is_done && steady_clock::now() < deadline) {
    is_done = true;
    for (Connection& connection : connections_) {
      are_equal = advance(connection, all) && are_equal;
      is_done = is_done && connection.compared == all.size();
    }
  }
  return are_equal && is_done;
}

bool TcpTransfer::advance(Connection& connection, const Bytes& all) {
  const ssize_t taken = ::send(connection.client.get(), all.data() + connection.sent,
                               all.size() - connection.sent, MSG_NOSIGNAL);
  if (taken > 0) connection.sent += static_cast<std::size_t>(taken);
  const ssize_t got = ::recv(connection.server.get(), chunk_.data(), chunk_.size(), 0);
  if (got <= 0) return true;
  const auto size = static_cast<std::size_t>(got);
  arrived_ += size;
  const bool is_equal = connection.compared + size <= all.size() &&
                        std::equal(chunk_.begin(), chunk_.begin() + got,
                                   all.begin() + static_cast<std::ptrdiff_t>(connection.compared));
  connection.compared += size;
  return is_equal;
}

}  // namespace isthmus::dataplane
