// The messages of one sendmmsg call, filled anew for each: part of UdpSocket, there once so that nothing is
// allocated for a datagram.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>

#include "io/socket_endpoint.h"
#include "io/udp_socket.h"

namespace isthmus::io {

struct UdpSocket::Outgoing {
  static constexpr std::size_t kMessages = 64;
  // Room for the traffic class, the segment size and the address to send from.
  struct alignas(cmsghdr) Control {
    std::array<char,
               CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(std::uint16_t)) + CMSG_SPACE(sizeof(in6_pktinfo))>
        octets;
  };

  Outgoing();
  // The next message: all of `train`, or its first datagram.
  void add(const Train& train, bool is_whole, Family socket_family);

  std::array<mmsghdr, kMessages> messages{};
  std::array<iovec, kMessages> parts{};
  std::array<SocketEndpoint, kMessages> addresses{};
  std::array<Control, kMessages> controls{};
  std::size_t count = 0;
};

}  // namespace isthmus::io
