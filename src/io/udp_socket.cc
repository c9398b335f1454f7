#include "io/udp_socket.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "io/socket_endpoint.h"
#include "io/udp_outgoing.h"

namespace isthmus::io {
namespace {

// What arrives while this process waits for its turn. With the kernel's usual 208 KiB tens of thousands of
// datagrams are lost in seconds.
constexpr int kBuffer = 8 << 20;

// Linux knows these as IP_MTU_DISCOVER's and IPV6_MTU_DISCOVER's: DF set, the path MTU of ICMP messages not
// believed.
static_assert(IP_PMTUDISC_PROBE == IPV6_PMTUDISC_PROBE);

bool set(const UniqueFd& fd, int level, int option, int value) {
  return ::setsockopt(fd.get(), level, option, &value, sizeof value) == 0;
}

Result<void> must_set(const UniqueFd& fd, int level, int option, const char* meaning) {
  if (set(fd, level, option, 1)) return {};
  return fail_errno(errno, std::string{"UDP socket: "} + meaning);
}

void enlarge_buffers(const UniqueFd& fd) {
  // The first form passes the machine's limit and needs CAP_NET_ADMIN.
  if (!set(fd, SOL_SOCKET, SO_RCVBUFFORCE, kBuffer)) set(fd, SOL_SOCKET, SO_RCVBUF, kBuffer);
  if (!set(fd, SOL_SOCKET, SO_SNDBUFFORCE, kBuffer)) set(fd, SOL_SOCKET, SO_SNDBUF, kBuffer);
}

Result<void> prepare_ipv4(const UniqueFd& fd) {
  if (!set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE))
    return fail_errno(errno, "UDP socket: send with DF");
  TRY(must_set(fd, IPPROTO_IP, IP_RECVERR, "ask for ICMP messages"));
  return must_set(fd, IPPROTO_IP, IP_RECVTOS, "ask for the traffic class");
}

Result<void> prepare_ipv6(const UniqueFd& fd) {
  if (!set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE))
    return fail_errno(errno, "UDP socket: send without fragments");
  TRY(must_set(fd, IPPROTO_IPV6, IPV6_DONTFRAG, "send without fragments"));
  // It tells of IPv4 too.
  TRY(must_set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, "ask for the address a datagram came to"));
  TRY(must_set(fd, IPPROTO_IPV6, IPV6_RECVERR, "ask for ICMPv6 messages"));
  return must_set(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, "ask for the traffic class");
}

struct Opened {
  UniqueFd fd;
  Family family = Family::kIpv6;
};

// One of IPv6 for everything but a single IPv4 address.
Result<Opened> open_for(const IpAddress& local) {
  constexpr int kType = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const bool is_only_v4 = local.is_v4() && !local.is_unspecified();
  if (!is_only_v4) {
    UniqueFd fd{::socket(AF_INET6, kType, 0)};
    if (fd.is_open()) return Opened{std::move(fd), Family::kIpv6};
    if (errno != EAFNOSUPPORT || !local.is_unspecified()) return fail_errno(errno, "open a UDP socket");
  }
  UniqueFd fd{::socket(AF_INET, kType, 0)};
  if (!fd.is_open()) return fail_errno(errno, "open a UDP socket");
  return Opened{std::move(fd), Family::kIpv4};
}

Result<void> prepare_family(const Opened& opened, const IpAddress& local) {
  if (opened.family == Family::kIpv4) {
    TRY(must_set(opened.fd, IPPROTO_IP, IP_PKTINFO, "ask for the address a datagram came to"));
    return prepare_ipv4(opened.fd);
  }
  const bool is_for_both = local.is_unspecified();
  if (!set(opened.fd, IPPROTO_IPV6, IPV6_V6ONLY, is_for_both ? 0 : 1))
    return fail_errno(errno, "UDP socket: choose the families");
  if (is_for_both) TRY(prepare_ipv4(opened.fd));
  return prepare_ipv6(opened.fd);
}

Result<void> bind_to(const Opened& opened, const Endpoint& local) {
  Endpoint wished = local;
  if (local.address.is_unspecified()) wished.address = IpAddress::unspecified(opened.family);
  const SocketEndpoint address = socket_endpoint(wished, opened.family);
  if (::bind(opened.fd.get(), address.get(), address.size) == 0) return {};
  const int error = errno;
  const std::string what = "take UDP port " + local.to_string();
  if (error == EADDRINUSE) return fail(Error::Code::kExists, what + ": another program has it");
  return fail_errno(error, what);
}

// Runs on what follows the UDP header. Reading beyond the end of a datagram ends it with 0.
Result<void> steer_by_first_word(const UdpSocket& socket, std::size_t count) {
  const auto workers = static_cast<std::uint32_t>(count);
  std::array<sock_filter, 5> program{
      {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
       BPF_STMT(BPF_RET | BPF_K, 0), BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, workers),
       BPF_STMT(BPF_RET | BPF_A, 0)}};
  const sock_fprog filter{.len = program.size(), .filter = program.data()};
  if (::setsockopt(socket.fd(), SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter) == 0) return {};
  return fail_errno(errno, "steer datagrams to sockets by their first word");
}

}  // namespace

UdpSocket::UdpSocket(UniqueFd fd, Family family)
    : fd_(std::move(fd)), family_(family), outgoing_(std::make_unique<Outgoing>()) {}
UdpSocket::UdpSocket(UdpSocket&&) noexcept = default;
UdpSocket& UdpSocket::operator=(UdpSocket&&) noexcept = default;
UdpSocket::~UdpSocket() = default;

Result<UdpSocket> UdpSocket::open(const Endpoint& local, std::uint32_t mark) {
  return open_one(local, mark, Port::kOwn);
}

Result<UdpSocket> UdpSocket::open_one(const Endpoint& local, std::uint32_t mark, Port port) {
  Opened opened = TRY(open_for(local.address));
  TRY(prepare_family(opened, local.address));
  if (mark != 0 && !set(opened.fd, SOL_SOCKET, SO_MARK, static_cast<int>(mark)))
    return fail_errno(errno, "UDP socket: set the mark (need CAP_NET_ADMIN)");
  if (port == Port::kOfGroup) TRY(must_set(opened.fd, SOL_SOCKET, SO_REUSEPORT, "share the port"));
  enlarge_buffers(opened.fd);
  // Where it is refused nothing is known of how long datagrams have waited.
  set(opened.fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
  // Linux before 5.0 has no UDP_GRO: datagrams then come one by one.
  set(opened.fd, IPPROTO_UDP, UDP_GRO, 1);
  TRY(bind_to(opened, local));
  return UdpSocket{std::move(opened.fd), opened.family};
}

Result<UdpSocket> UdpSocket::adopt(UniqueFd fd) {
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&own), &size) != 0)
    return fail_errno(errno, "ask for a UDP socket's address");
  return UdpSocket{std::move(fd), own.ss_family == AF_INET ? Family::kIpv4 : Family::kIpv6};
}

Result<std::vector<UdpSocket>> UdpSocket::open_group(const Endpoint& local, std::size_t count,
                                                     std::uint32_t mark) {
  std::vector<UdpSocket> group;
  // Alone, so that it fails if anybody has the port, another group of the same user among them. What joins
  // later, joins behind the last of ours, where the program sends nothing.
  group.push_back(TRY(open_one(local, mark, Port::kOwn)));
  if (count <= 1) return group;
  TRY(must_set(group.front().fd_, SOL_SOCKET, SO_REUSEPORT, "share the port"));
  const Endpoint taken{.address = local.address, .port = TRY(group.front().local()).port};
  while (group.size() < count) {
    group.push_back(TRY(open_one(taken, mark, Port::kOfGroup)));
    // As soon as there are two, and with them something that the kernel attaches a program to.
    if (group.size() == 2) TRY(steer_by_first_word(group.front(), count));
  }
  return group;
}

Result<Endpoint> UdpSocket::local() const {
  SocketEndpoint address;
  if (::getsockname(fd_.get(), address.get(), &address.size) != 0)
    return fail_errno(errno, "ask for a socket's address");
  const std::optional<Endpoint> endpoint = endpoint_of(address.storage);
  if (!endpoint) return fail(Error::Code::kUnsupported, "a socket's address is of no known family");
  return *endpoint;
}

}  // namespace isthmus::io
