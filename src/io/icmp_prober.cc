#include "io/icmp_prober.h"

// The C library's headers first: the kernel's then leave out what they would define twice.
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <linux/icmp.h>
#include <linux/icmpv6.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "io/icmp_message.h"
#include "io/system_random.h"

namespace isthmus::io {
namespace {

// An interface that answers faster than we read may not hold the loop for ever.
constexpr int kMaxReads = 256;

// With each packet the kernel then says by which interface it came.
void tell_interface(const UniqueFd& fd, int level, int option) {
  const int on = 1;
  ::setsockopt(fd.get(), level, option, &on, sizeof on);
}

Result<UniqueFd> open_v4() {
  UniqueFd fd{::socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP)};
  if (!fd.is_open()) return fail_errno(errno, "open a raw ICMP socket (need CAP_NET_RAW)");
  icmp_filter filter{};
  filter.data = ~((1U << ICMP_ECHOREPLY) | (1U << ICMP_DEST_UNREACH) | (1U << ICMP_TIME_EXCEEDED));
  ::setsockopt(fd.get(), SOL_RAW, ICMP_FILTER, &filter, sizeof filter);
  tell_interface(fd, IPPROTO_IP, IP_PKTINFO);
  return fd;
}

// None on a machine without IPv6.
UniqueFd open_v6() {
  UniqueFd fd{::socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6)};
  if (!fd.is_open()) return fd;
  icmp6_filter filter{};
  std::memset(&filter, 0xff, sizeof filter);
  for (const int type : {ICMPV6_DEST_UNREACH, ICMPV6_PKT_TOOBIG, ICMPV6_TIME_EXCEED, ICMPV6_ECHO_REPLY}) {
    const auto bit = static_cast<unsigned int>(type);
    filter.data[bit / 32] &= ~(1U << (bit % 32));
  }
  ::setsockopt(fd.get(), SOL_ICMPV6, ICMPV6_FILTER, &filter, sizeof filter);
  tell_interface(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO);
  return fd;
}

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

SocketAddress socket_address(const IpAddress& address, std::uint32_t interface) {
  SocketAddress out;
  if (address.is_v4()) {
    auto& in = reinterpret_cast<sockaddr_in&>(out.storage);
    in.sin_family = AF_INET;
    std::memcpy(&in.sin_addr, address.octets().data(), 4);
    out.length = sizeof in;
    return out;
  }
  auto& in = reinterpret_cast<sockaddr_in6&>(out.storage);
  in.sin6_family = AF_INET6;
  std::memcpy(&in.sin6_addr, address.octets().data(), 16);
  if (address.is_link_local()) in.sin6_scope_id = interface;
  out.length = sizeof in;
  return out;
}

std::optional<IpAddress> address_of(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
    return *IpAddress::from_octets({reinterpret_cast<const std::uint8_t*>(&in.sin_addr), 4});
  }
  if (storage.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(storage);
    return *IpAddress::from_octets({reinterpret_cast<const std::uint8_t*>(&in.sin6_addr), 16});
  }
  return std::nullopt;
}

// The source and interface of one packet, without binding the socket that all probes share.
class PacketInfo {
 public:
  PacketInfo(const ProbeRequest& request, std::uint32_t interface, msghdr& message) {
    if (!request.source && interface == 0) return;
    message.msg_control = buffer_.data();
    if (request.target.is_v4()) {
      in_pktinfo info{};
      info.ipi_ifindex = static_cast<int>(interface);
      if (request.source) std::memcpy(&info.ipi_spec_dst, request.source->octets().data(), 4);
      put(message, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
      return;
    }
    in6_pktinfo info{};
    info.ipi6_ifindex = interface;
    if (request.source) std::memcpy(&info.ipi6_addr, request.source->octets().data(), 16);
    put(message, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
  }

 private:
  void put(msghdr& message, int level, int type, const void* info, std::size_t length) {
    message.msg_controllen = CMSG_SPACE(length);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(length);
    std::memcpy(CMSG_DATA(header), info, length);
  }

  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))> buffer_{};
};

struct Received {
  ConstBytes octets;  // a part of the caller's buffer
  std::optional<IpAddress> sender;
  std::uint32_t arrived_by = 0;  // index of the interface; 0 if the kernel does not say
};

std::uint32_t arrival_interface(msghdr& message) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
      in_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(header), sizeof info);
      return static_cast<std::uint32_t>(info.ipi_ifindex);
    }
    if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(header), sizeof info);
      return info.ipi6_ifindex;
    }
  }
  return 0;
}

// Empty when nothing is there; without a sender for an error of an earlier packet.
std::optional<Received> receive_one(int fd, MutableBytes buffer) {
  sockaddr_storage from{};
  alignas(cmsghdr) std::array<char, 256> control{};
  iovec part{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_name = &from;
  message.msg_namelen = sizeof from;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t length = ::recvmsg(fd, &message, MSG_DONTWAIT);
  if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
  if (length < 0) return Received{};
  return Received{ConstBytes{buffer}.first(static_cast<std::size_t>(length)), address_of(from),
                  arrival_interface(message)};
}

// 0 or the errno.
int send_echo(int fd, const ProbeRequest& request, const EchoNumbers& numbers) {
  std::uint32_t interface = 0;
  if (!request.interface.empty()) {
    interface = ::if_nametoindex(request.interface.c_str());
    if (interface == 0) return ENODEV;
  }
  Bytes octets = encode_echo_request(request.target.family(), numbers);
  SocketAddress target = socket_address(request.target, interface);
  iovec part{octets.data(), octets.size()};
  msghdr message{};
  message.msg_name = &target.storage;
  message.msg_namelen = target.length;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const PacketInfo info(request, interface, message);
  return ::sendmsg(fd, &message, MSG_DONTWAIT) < 0 ? errno : 0;
}

}  // namespace

Result<IcmpProber> IcmpProber::open() {
  UniqueFd v4 = TRY(open_v4());
  SystemRandom random;
  return IcmpProber{std::move(v4), open_v6(), static_cast<std::uint16_t>(random.u32())};
}

std::vector<int> IcmpProber::fds() const {
  if (!v6_.is_open()) return {v4_.get()};
  return {v4_.get(), v6_.get()};
}

std::uint32_t IcmpProber::probe(Instant now, const ProbeRequest& request) {
  const std::uint32_t id = next_id_++;
  Pending pending;
  pending.outcome.id = id;
  pending.outcome.request = request;
  pending_.emplace(id, std::move(pending));
  send_attempt(now, id);
  return id;
}

void IcmpProber::drop_all() {
  pending_.clear();
  attempts_.clear();
  finished_.clear();
}

void IcmpProber::send_attempt(Instant now, std::uint32_t id) {
  Pending& pending = pending_.at(id);
  ProbeOutcome& outcome = pending.outcome;
  const ProbeRequest& request = outcome.request;
  if (request.source && request.source->family() != request.target.family()) {
    outcome.reason = "source and target are not of one address family";
    return finish(id);
  }
  const int fd = request.target.is_v4() ? v4_.get() : v6_.get();
  if (fd < 0) {
    outcome.reason = "this machine has no IPv6";
    return finish(id);
  }
  const std::uint16_t sequence = next_sequence_++;
  attempts_[sequence] = {id, now};
  ++outcome.attempts_made;
  pending.next = now + request.interval;
  // A failure to send is not the end: routes may be about to come.
  const int error = send_echo(fd, request, {identifier_, sequence});
  if (error != 0) outcome.reason = fail_errno(error, "send").error().message;
}

void IcmpProber::receive(Instant now) {
  receive_from(v4_.get(), Family::kIpv4, now);
  if (v6_.is_open()) receive_from(v6_.get(), Family::kIpv6, now);
}

void IcmpProber::receive_from(int fd, Family family, Instant now) {
  std::array<std::uint8_t, 2048> buffer{};
  for (int reads = 0; reads < kMaxReads; ++reads) {
    const std::optional<Received> received = receive_one(fd, buffer);
    if (!received) return;
    if (!received->sender) continue;
    const IcmpAnswer answer = parse_icmp(family, received->octets);
    if (answer.reply && answer.reply->numbers.identifier == identifier_) {
      on_reply(now, answer.reply->numbers.sequence, *received->sender, received->arrived_by);
    }
    if (answer.refusal && answer.refusal->numbers.identifier == identifier_) {
      on_refusal(answer.refusal->numbers.sequence, *received->sender, answer.refusal->reason);
    }
  }
}

void IcmpProber::on_reply(Instant now, std::uint16_t sequence, const IpAddress& sender,
                          std::uint32_t arrived_by) {
  const auto attempt = attempts_.find(sequence);
  if (attempt == attempts_.end()) return;
  const auto [id, sent] = attempt->second;
  ProbeOutcome& outcome = pending_.at(id).outcome;
  if (outcome.request.target != sender) return;
  const std::uint32_t wanted = outcome.request.answers_by;
  if (wanted != 0 && arrived_by != wanted) {
    outcome.reason = "the answer came back by another interface";
    return;
  }
  outcome.is_answered = true;
  outcome.round_trip = now - sent;
  outcome.refuser.reset();
  outcome.reason.clear();
  finish(id);
}

// Noted, and not believed until the attempts are over: routes on the way may be about to come.
void IcmpProber::on_refusal(std::uint16_t sequence, const IpAddress& sender, const std::string& reason) {
  const auto attempt = attempts_.find(sequence);
  if (attempt == attempts_.end()) return;
  ProbeOutcome& outcome = pending_.at(attempt->second.id).outcome;
  outcome.refuser = sender;
  outcome.reason = reason;
}

std::optional<Instant> IcmpProber::next_deadline() const {
  std::optional<Instant> earliest;
  for (const auto& [id, pending] : pending_) {
    if (!earliest || pending.next < *earliest) earliest = pending.next;
  }
  return earliest;
}

void IcmpProber::advance(Instant now) {
  std::vector<std::uint32_t> due;
  for (const auto& [id, pending] : pending_) {
    if (pending.next <= now) due.push_back(id);
  }
  for (const std::uint32_t id : due) {
    ProbeOutcome& outcome = pending_.at(id).outcome;
    if (outcome.attempts_made < outcome.request.attempts) {
      send_attempt(now, id);
      continue;
    }
    if (outcome.reason.empty()) outcome.reason = "no answer";
    finish(id);
  }
}

std::vector<ProbeOutcome> IcmpProber::take_outcomes() {
  return std::exchange(finished_, {});
}

void IcmpProber::finish(std::uint32_t id) {
  std::erase_if(attempts_, [id](const auto& entry) { return entry.second.id == id; });
  const auto pending = pending_.find(id);
  finished_.push_back(std::move(pending->second.outcome));
  pending_.erase(pending);
}

}  // namespace isthmus::io
