#include "io/tcp_connector.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

namespace isthmus::io {
namespace {

constexpr Duration kPatience = std::chrono::seconds{5};

// A listening socket on loopback, or only a bound one, which refuses.
struct Place {
  explicit Place(bool listens) : fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    if (listens) listen(fd.get(), 1);
    EXPECT_EQ(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port = ntohs(address.sin_port);
  }
  [[nodiscard]] SocketAddress address() const {
    return resolve_host("127.0.0.1", port, std::nullopt).value().at(0);
  }
  UniqueFd fd;
  std::uint16_t port = 0;
};

int option_of(int socket, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(getsockopt(socket, level, name, &value, &size), 0);
  return value;
}

std::array<UniqueFd, 2> make_channel() {
  std::array<int, 2> ends{};
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

TEST(TcpConnector, TakesTheNextAddressWhenOneRefuses) {
  const Place deaf{false};
  const Place there{true};
  const Result<UniqueFd> connection = connect_to_any({deaf.address(), there.address()}, kPatience);
  ASSERT_TRUE(connection) << connection.error().message;
  sockaddr_in remote{};
  socklen_t size = sizeof remote;
  ASSERT_EQ(getpeername(connection->get(), reinterpret_cast<sockaddr*>(&remote), &size), 0);
  EXPECT_EQ(ntohs(remote.sin_port), there.port);
}

TEST(TcpConnector, SaysWhyTheLastAddressFailed) {
  const Place deaf{false};
  const Result<UniqueFd> connection = connect_to_any({deaf.address()}, kPatience);
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().os_errno, ECONNREFUSED);
}

TEST(TcpConnector, GivesUpWhenNobodyAnswersInTime) {
  // A queue that is full answers no one more.
  const Place full{false};
  ASSERT_EQ(listen(full.fd.get(), 0), 0);
  const Result<UniqueFd> first = connect_to_any({full.address()}, kPatience);
  ASSERT_TRUE(first);
  const Result<UniqueFd> second = connect_to_any({full.address()}, std::chrono::milliseconds{50});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().os_errno, ETIMEDOUT);
}

TEST(TcpConnector, ResolvesOneFamilyWhenAsked) {
  EXPECT_EQ(resolve_host("::1", 22, Family::kIpv6)->at(0).storage.ss_family, AF_INET6);
  EXPECT_FALSE(resolve_host("::1", 22, Family::kIpv4));
}

TEST(TcpConnector, TunesTheSocketAndLeavesItBlocking) {
  const Place there{true};
  const UniqueFd connection = connect_to_any({there.address()}, kPatience).value();
  tune_for_tunnel(connection.get());
  EXPECT_EQ(option_of(connection.get(), IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(option_of(connection.get(), SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option_of(connection.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT), 128 * 1024);
  EXPECT_EQ(option_of(connection.get(), IPPROTO_TCP, TCP_USER_TIMEOUT), 20'000);
  EXPECT_EQ(fcntl(connection.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST(TcpConnector, PassesOneDescriptorWithOneOctet) {
  const auto channel = make_channel();
  const auto passed = make_channel();
  ASSERT_TRUE(pass_descriptor(channel[0].get(), passed[0].get()));

  std::array<char, 16> octets{};
  iovec into{octets.data(), octets.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * 4)> ancillary{};
  msghdr header{};
  header.msg_iov = &into;
  header.msg_iovlen = 1;
  header.msg_control = ancillary.data();
  header.msg_controllen = ancillary.size();
  EXPECT_EQ(recvmsg(channel[1].get(), &header, MSG_CMSG_CLOEXEC), 1);
  const cmsghdr* part = CMSG_FIRSTHDR(&header);
  ASSERT_NE(part, nullptr);
  ASSERT_EQ(part->cmsg_len, CMSG_LEN(sizeof(int)));
  int received = -1;
  std::memcpy(&received, CMSG_DATA(part), sizeof received);
  const UniqueFd owned{received};
  ASSERT_EQ(write(owned.get(), "x", 1), 1);
  EXPECT_EQ(read(passed[1].get(), octets.data(), octets.size()), 1);
}

TEST(TcpConnector, SeesThatWhoeverAskedIsGone) {
  auto channel = make_channel();
  EXPECT_TRUE(end_with_parent(channel[0].get()));
  channel[1].reset();
  EXPECT_FALSE(end_with_parent(channel[0].get()));
}

}  // namespace
}  // namespace isthmus::io
