// Sockets that share a port, and whether they share it with anybody else.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "io/socket_endpoint.h"
#include "io/udp_socket.h"
#include "kernel/namespace_fixture.h"
#include "net/big_endian.h"

namespace isthmus::io {
namespace {

constexpr std::uint16_t kPort = 4500;

Endpoint at(const char* text, std::uint16_t port) {
  return {.address = *IpAddress::parse(text), .port = port};
}

using UdpGroupTest = NamespaceTest;

TEST_F(UdpGroupTest, HasItsPortAlone) {
  for (const char* const place : {"::", "0.0.0.0", "127.0.0.1", "::1"}) {
    const auto first = UdpSocket::open_group(at(place, kPort), 3);
    ASSERT_TRUE(first) << first.error().message;
    for (const std::size_t count : {1U, 2U, 3U}) {
      const auto second = UdpSocket::open_group(at(place, kPort), count);
      ASSERT_FALSE(second) << place << " " << count;
      EXPECT_EQ(second.error().code, Error::Code::kExists);
    }
  }
}

TEST_F(UdpGroupTest, DoesNotJoinOneThatWouldShare) {
  const UniqueFd other{::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  const int on = 1;
  ASSERT_EQ(::setsockopt(other.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
  const SocketEndpoint here = socket_endpoint(at("::", kPort), Family::kIpv6);
  ASSERT_EQ(::bind(other.get(), here.get(), here.size), 0);
  const auto group = UdpSocket::open_group(at("::", kPort), 2);
  ASSERT_FALSE(group);
  EXPECT_EQ(group.error().code, Error::Code::kExists);
}

TEST_F(UdpGroupTest, GivesNothingToWhoeverJoinsItLater) {
  auto group = UdpSocket::open_group(at("::", kPort), 2);
  ASSERT_TRUE(group) << group.error().message;
  const UniqueFd guest{::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  const int on = 1;
  ASSERT_EQ(::setsockopt(guest.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
  const SocketEndpoint here = socket_endpoint(at("::", kPort), Family::kIpv6);
  ASSERT_EQ(::bind(guest.get(), here.get(), here.size), 0);
  for (const char* const to : {"127.0.0.1", "::1"}) {
    const UniqueFd sender{::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    const SocketEndpoint there = socket_endpoint(at(to, kPort), Family::kIpv6);
    for (std::uint32_t spi = 256; spi < 256 + 30; ++spi) {
      Bytes octets(60);
      store_u32(octets, 0, spi);
      ASSERT_EQ(::sendto(sender.get(), octets.data(), octets.size(), 0, there.get(), there.size), 60);
    }
  }
  ReceiveBuffers buffers;
  for (UdpSocket& socket : *group) {
    pollfd waiting{.fd = socket.fd(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&waiting, 1, 1000), 1);
    EXPECT_EQ(socket.receive(buffers, ReceiveBuffers::kTrains).size(), 30U);
  }
  char octet = 0;
  EXPECT_EQ(::recv(guest.get(), &octet, 1, 0), -1);
  EXPECT_EQ(errno, EAGAIN);
}

}  // namespace
}  // namespace isthmus::io
