#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/uio.h>

// Needs timespec of the C library's headers.
#include <linux/errqueue.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "io/socket_endpoint.h"
#include "io/udp_socket.h"
#include "net/big_endian.h"

namespace isthmus::io {
namespace {

constexpr std::size_t kRoom = 1U << 16;
// Were the places a power of two apart, the first octets of all would compete for the same few lines of a
// processor's cache.
constexpr std::size_t kStride = kRoom + 1536 + 64;
// An error that ICMP has left on the socket comes instead of datagrams, and hides no more than one call.
constexpr int kMostErrors = 4;

constexpr std::size_t kControlSize = 192;
constexpr Duration kLongestWait = std::chrono::seconds{1};
// Of a datagram that was quoted: enough for ESP's SPI.
constexpr std::size_t kQuoted = 4;

// Calls `each(level, type, data)` for every control message.
template <typename Each>
void for_each_control(msghdr& message, Each&& each) {
  for (cmsghdr* at = CMSG_FIRSTHDR(&message); at != nullptr; at = CMSG_NXTHDR(&message, at))
    each(at->cmsg_level, at->cmsg_type, ConstBytes{CMSG_DATA(at), at->cmsg_len - CMSG_LEN(0)});
}

template <typename Value>
std::optional<Value> value_of(ConstBytes data) {
  if (data.size() < sizeof(Value)) return std::nullopt;
  Value value{};
  std::memcpy(&value, data.data(), sizeof value);
  return value;
}

Duration duration_of(const timespec& time) {
  return std::chrono::seconds{time.tv_sec} + Duration{time.tv_nsec};
}

// The clock by which the kernel stamps datagrams; it may be set in between.
Duration since(const timespec& stamp, const timespec& now) {
  const Duration passed = duration_of(now) - duration_of(stamp);
  return passed < Duration{} || passed > kLongestWait ? Duration{} : passed;
}

void read_controls(msghdr& message, const timespec& now, ReceivedTrain& train) {
  for_each_control(message, [&](int level, int type, ConstBytes data) {
    if (level == SOL_SOCKET && type == SCM_TIMESTAMPNS) {
      if (const auto stamp = value_of<timespec>(data)) train.waited = since(*stamp, now);
    }
    if (level == IPPROTO_IP && type == IP_TOS && !data.empty()) train.traffic_class = data[0];
    if (level == IPPROTO_IPV6 && type == IPV6_TCLASS)
      train.traffic_class = static_cast<std::uint8_t>(value_of<int>(data).value_or(0));
    if (level == IPPROTO_IPV6 && type == IPV6_PKTINFO) {
      if (const auto info = value_of<in6_pktinfo>(data)) train.to = address_of(info->ipi6_addr);
    }
    if (level == IPPROTO_IP && type == IP_PKTINFO) {
      if (const auto info = value_of<in_pktinfo>(data))
        train.to = IpAddress::v4(ntohl(info->ipi_addr.s_addr));
    }
    if (level == IPPROTO_UDP && type == UDP_GRO) {
      const int size = value_of<int>(data).value_or(0);
      if (size > 0) train.segment_size = static_cast<std::size_t>(size);
    }
  });
}

PathError path_error_of(msghdr& message, ConstBytes quoted) {
  sock_extended_err extended{};
  for_each_control(message, [&extended](int level, int type, ConstBytes data) {
    const bool is_error =
        (level == IPPROTO_IP && type == IP_RECVERR) || (level == IPPROTO_IPV6 && type == IPV6_RECVERR);
    if (is_error) extended = value_of<sock_extended_err>(data).value_or(sock_extended_err{});
  });
  PathError error;
  error.os_errno = static_cast<int>(extended.ee_errno);
  error.is_local = extended.ee_origin == SO_EE_ORIGIN_LOCAL;
  if (quoted.size() >= kQuoted) error.first_word = load_u32(quoted, 0);
  if (error.os_errno == EMSGSIZE && extended.ee_info != 0) error.mtu = extended.ee_info;
  return error;
}

}  // namespace

struct ReceiveBuffers::Messages {
  struct alignas(cmsghdr) Control {
    std::array<char, kControlSize> octets;
  };

  Messages() {
    for (std::size_t i = 0; i < kTrains; ++i) {
      parts[i] = {octets.get() + i * kStride, kRoom};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      messages[i].msg_hdr.msg_name = addresses[i].get();
      messages[i].msg_hdr.msg_control = &controls[i];
    }
  }

  std::unique_ptr<std::uint8_t[]> octets = std::make_unique_for_overwrite<std::uint8_t[]>(kTrains * kStride);
  std::array<iovec, kTrains> parts{};
  std::array<SocketEndpoint, kTrains> addresses{};
  std::array<Control, kTrains> controls{};
  std::array<mmsghdr, kTrains> messages{};
  std::array<ReceivedTrain, kTrains> trains{};
};

ReceiveBuffers::ReceiveBuffers() : messages_(std::make_unique<Messages>()) {}
ReceiveBuffers::~ReceiveBuffers() = default;
ReceiveBuffers::ReceiveBuffers(ReceiveBuffers&&) noexcept = default;
ReceiveBuffers& ReceiveBuffers::operator=(ReceiveBuffers&&) noexcept = default;

std::span<const ReceivedTrain> UdpSocket::receive(ReceiveBuffers& buffers, std::size_t most) {
  ReceiveBuffers::Messages& in = *buffers.messages_;
  most = std::min(most, ReceiveBuffers::kTrains);
  for (std::size_t i = 0; i < most; ++i) {
    in.messages[i].msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    in.messages[i].msg_hdr.msg_controllen = kControlSize;
  }
  int count = -1;
  for (int errors = 0; count < 0 && errors < kMostErrors; ++errors) {
    count = ::recvmmsg(fd_.get(), in.messages.data(), static_cast<unsigned>(most), MSG_DONTWAIT, nullptr);
    if (count < 0 && errno == EAGAIN) return {};
  }
  timespec now{};
  if (count > 0) ::clock_gettime(CLOCK_REALTIME, &now);
  std::size_t good = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(std::max(count, 0)); ++i) {
    msghdr& message = in.messages[i].msg_hdr;
    const std::optional<Endpoint> from = endpoint_of(in.addresses[i].storage);
    if ((message.msg_flags & MSG_TRUNC) != 0) ++truncated_;
    if (!from || (message.msg_flags & MSG_TRUNC) != 0) continue;
    const MutableBytes octets{in.octets.get() + i * kStride, in.messages[i].msg_len};
    in.trains[good] = {.octets = octets,
                       .segment_size = octets.size(),
                       .from = *from,
                       .traffic_class = 0,
                       .waited = {},
                       .to = {}};
    read_controls(message, now, in.trains[good]);
    ++good;
  }
  return std::span{in.trains}.first(good);
}

std::optional<PathError> UdpSocket::read_error() {
  std::array<std::uint8_t, kQuoted> quoted{};
  iovec part{quoted.data(), quoted.size()};
  SocketEndpoint address;
  // Besides the error, the traffic class and the address of who reported it.
  alignas(cmsghdr) std::array<char, 512> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_name = address.get();
  message.msg_namelen = address.size;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = ::recvmsg(fd_.get(), &message, MSG_ERRQUEUE | MSG_DONTWAIT);
  if (size < 0) return std::nullopt;
  const ConstBytes octets = ConstBytes{quoted}.first(static_cast<std::size_t>(size));
  PathError error = path_error_of(message, octets);
  if (const std::optional<Endpoint> to = endpoint_of(address.storage)) error.to = *to;
  return error;
}

void UdpSocket::hear_errors(bool wished) {
  const int value = wished ? 1 : 0;
  // One of IPv6 carries IPv4 as well, and one of IPv4 refuses the second.
  ::setsockopt(fd_.get(), IPPROTO_IP, IP_RECVERR, &value, sizeof value);
  ::setsockopt(fd_.get(), IPPROTO_IPV6, IPV6_RECVERR, &value, sizeof value);
}

}  // namespace isthmus::io
