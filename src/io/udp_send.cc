#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "io/udp_outgoing.h"
#include "io/udp_socket.h"

namespace isthmus::io {
namespace {

template <typename Value>
void put_control(msghdr& message, int level, int type, Value value) {
  auto* header = reinterpret_cast<cmsghdr*>(static_cast<char*>(message.msg_control) + message.msg_controllen);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(header), &value, sizeof value);
  message.msg_controllen += CMSG_SPACE(sizeof value);
}

void put_source(msghdr& message, const IpAddress& from) {
  if (from.is_v4()) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, from.octets().data(), sizeof info.ipi_spec_dst);
    return put_control(message, IPPROTO_IP, IP_PKTINFO, info);
  }
  in6_pktinfo info{};
  std::memcpy(&info.ipi6_addr, from.octets().data(), sizeof info.ipi6_addr);
  put_control(message, IPPROTO_IPV6, IPV6_PKTINFO, info);
}

bool is_several(const Train& train) {
  return train.octets.size() > train.segment_size;
}

std::size_t datagrams_in(const Train& train) {
  return (train.octets.size() + train.segment_size - 1) / train.segment_size;
}

// An error that ICMP has left on the socket comes with the next call, whatever that sends, and while messages
// keep coming with the one after it. What sending itself never says is always such a one; of the others
// nobody can tell, and asking again costs little where nothing can be sent.
constexpr int kMostTriesOfAForeign = 64;
constexpr int kMostTries = 8;

int tries_worth(int error) {
  const bool is_foreign = error == ECONNREFUSED || error == EPROTO || error == ENOPROTOOPT ||
                          error == EHOSTDOWN || error == ENONET || error == EOPNOTSUPP;
  const bool may_be_foreign =
      error == EHOSTUNREACH || error == ENETUNREACH || error == EMSGSIZE || error == EACCES;
  if (is_foreign) return kMostTriesOfAForeign;
  return may_be_foreign ? kMostTries : 1;
}

}  // namespace

UdpSocket::Outgoing::Outgoing() {
  for (std::size_t i = 0; i < kMessages; ++i) {
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_name = addresses[i].get();
  }
}

void UdpSocket::Outgoing::add(const Train& train, bool is_whole, Family socket_family) {
  msghdr& message = messages[count].msg_hdr;
  const std::size_t size = is_whole ? train.octets.size() : std::min(train.segment_size, train.octets.size());
  parts[count] = {const_cast<std::uint8_t*>(train.octets.data()), size};
  addresses[count] = socket_endpoint(train.to, socket_family);
  message.msg_namelen = addresses[count].size;
  message.msg_control = &controls[count];
  message.msg_controllen = 0;
  if (train.traffic_class != 0) {
    const bool is_v4 = train.to.address.is_v4();
    put_control<int>(message, is_v4 ? IPPROTO_IP : IPPROTO_IPV6, is_v4 ? IP_TOS : IPV6_TCLASS,
                     train.traffic_class);
  }
  if (train.from) put_source(message, *train.from);
  if (size > train.segment_size) {
    put_control<std::uint16_t>(message, IPPROTO_UDP, UDP_SEGMENT,
                               static_cast<std::uint16_t>(train.segment_size));
  }
  if (message.msg_controllen == 0) message.msg_control = nullptr;
  ++count;
}

// How many messages were made of the first trains.
std::size_t UdpSocket::prepare(std::span<const Train> trains) {
  outgoing_->count = 0;
  for (Train train : trains) {
    const bool is_whole = uncut_towards_ != train.to;
    while (!train.octets.empty() && outgoing_->count < Outgoing::kMessages) {
      outgoing_->add(train, is_whole, family_);
      train.octets = train.octets.subspan(outgoing_->parts[outgoing_->count - 1].iov_len);
    }
  }
  return outgoing_->count;
}

void UdpSocket::take_from(std::span<Train>& trains, std::size_t messages) const {
  for (std::size_t i = 0; i < messages; ++i) {
    Train& first = trains.front();
    first.octets = first.octets.subspan(outgoing_->parts[i].iov_len);
    if (first.octets.empty()) trains = trains.subspan(1);
  }
}

bool UdpSocket::send(std::span<Train>& trains) {
  int tries = 0;
  while (!trains.empty()) {
    const std::size_t count = prepare(trains);
    const int sent =
        ::sendmmsg(fd_.get(), outgoing_->messages.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
    if (sent > 0) {
      take_from(trains, static_cast<std::size_t>(sent));
      tries = 0;
      continue;
    }
    if (errno == EAGAIN) return false;
    if (errno == EINTR) continue;
    ++tries;
    if (pass_over_error(trains, errno, tries)) tries = 0;
  }
  return true;
}

// The first message was not sent, after so many tries. False if it is to be tried again as it is.
bool UdpSocket::pass_over_error(std::span<Train>& trains, int error, int tries) {
  const Train& first = trains.front();
  const bool is_one = !is_several(first) || uncut_towards_ == first.to;
  // EIO: the device computes no checksums, and Linux before 6.11 then cuts nothing up. EINVAL: the kernel
  // knows no UDP_SEGMENT, or the datagrams are longer than the device takes, as sending one of them will
  // show.
  if (!is_one && (error == EIO || error == EINVAL)) {
    uncut_towards_ = first.to;
    return true;
  }
  if (tries < tries_worth(error)) return false;
  if (is_one && error == EMSGSIZE) uncut_towards_.reset();
  const bool is_whole = uncut_towards_ != first.to;
  refused_ += is_whole && !is_one ? datagrams_in(first) : 1;
  take_from(trains, 1);
  return true;
}

}  // namespace isthmus::io
