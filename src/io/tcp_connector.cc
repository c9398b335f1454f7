#include "io/tcp_connector.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <string_view>

#include "io/boot_clock.h"
#include "io/send_descriptors.h"

namespace isthmus::io {
namespace {

constexpr int kNotSentLowWater = 128 * 1024;
constexpr unsigned kUserTimeoutMs = 20'000;
constexpr std::string_view kCongestionControl = "bbr";

int as_address_family(std::optional<Family> family) {
  if (!family) return AF_UNSPEC;
  return *family == Family::kIpv4 ? AF_INET : AF_INET6;
}

// Waits until the connection stands or has failed; 0 or an errno.
int await_connection(int fd, std::optional<Duration> patience) {
  using std::chrono::milliseconds;
  const std::optional<Instant> deadline =
      patience ? std::optional{boot_now() + *patience} : std::optional<Instant>{};
  while (true) {
    const Duration left = deadline ? std::max(*deadline - boot_now(), Duration::zero()) : Duration::zero();
    const int wait_ms = deadline ? static_cast<int>(std::chrono::ceil<milliseconds>(left).count()) : -1;
    pollfd waited{fd, POLLOUT, 0};
    const int ready = poll(&waited, 1, wait_ms);
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return errno;
    if (ready == 0) return ETIMEDOUT;
    int outcome = 0;
    socklen_t size = sizeof outcome;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &outcome, &size) == 0 ? outcome : errno;
  }
}

Result<UniqueFd> connect_to(const SocketAddress& address, std::optional<Duration> patience) {
  const auto failed = [](int os_errno) { return fail_errno(os_errno, "connect"); };
  UniqueFd fd{socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd.is_open()) return failed(errno);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0) {
    if (errno != EINPROGRESS) return failed(errno);
    if (const int outcome = await_connection(fd.get(), patience)) return failed(outcome);
  }
  fcntl(fd.get(), F_SETFL, fcntl(fd.get(), F_GETFL) & ~O_NONBLOCK);
  return fd;
}

template <typename T>
void set_option(int socket, int level, int name, const T& value) {
  setsockopt(socket, level, name, &value, sizeof value);
}

}  // namespace

Result<std::vector<SocketAddress>> resolve_host(const std::string& host, std::uint16_t port,
                                                std::optional<Family> family) {
  addrinfo hints{};
  hints.ai_family = as_address_family(family);
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* first = nullptr;
  const int status = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &first);
  const int os_errno = errno;
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned{first, freeaddrinfo};
  if (status != 0)
    return fail(Error::Code::kNotFound, status == EAI_SYSTEM ? strerror(os_errno) : gai_strerror(status));

  std::vector<SocketAddress> addresses;
  for (const addrinfo* entry = first; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    SocketAddress& address = addresses.emplace_back();
    address.size = entry->ai_addrlen;
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
  }
  return addresses;
}

Result<UniqueFd> connect_to_any(const std::vector<SocketAddress>& addresses,
                                std::optional<Duration> patience) {
  Result<UniqueFd> connection = fail_errno(EADDRNOTAVAIL, "connect");
  for (const SocketAddress& address : addresses) {
    connection = connect_to(address, patience);
    if (connection) break;
  }
  return connection;
}

void tune_for_tunnel(int socket) {
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kNotSentLowWater);
  set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, kUserTimeoutMs);
  setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, kCongestionControl.data(), kCongestionControl.size());
}

Result<void> pass_descriptor(int channel, int fd) {
  const std::string_view octet{"\0", 1};
  if (send_descriptors(channel, octet, {&fd, 1}) < 0) return fail_errno(errno, "pass the connection to ssh");
  return {};
}

Result<void> end_with_parent(int channel) {
  if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) return fail_errno(errno, "ask to end with ssh");
  pollfd looked{channel, 0, 0};
  if (poll(&looked, 1, 0) > 0) return fail(Error::Code::kClosed, "ssh is gone");
  return {};
}

}  // namespace isthmus::io
