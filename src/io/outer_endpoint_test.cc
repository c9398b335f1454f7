#include "io/outer_endpoint.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "io/child_process.h"

namespace isthmus::io {
namespace {

using testing::Contains;
using testing::ElementsAre;

// A TCP listener on loopback of either family, and a client connected to it.
struct Connection {
  UniqueFd listener, client;
  Endpoint remote;
};

Connection connection_over_ipv4() {
  Connection made{UniqueFd{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)},
                  UniqueFd{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)},
                  {}};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(bind(made.listener.get(), generic, size), 0);
  EXPECT_EQ(listen(made.listener.get(), 4), 0);
  EXPECT_EQ(getsockname(made.listener.get(), generic, &size), 0);
  EXPECT_EQ(connect(made.client.get(), generic, size), 0);
  made.remote = {IpAddress::v4(INADDR_LOOPBACK), ntohs(address.sin_port)};
  return made;
}

TEST(OuterEndpoint, FindsAConnectionThatADescendantHolds) {
  const Connection connection = connection_over_ipv4();
  SpawnOptions options;
  // A child of the shell holds it as descriptor 3; the shell itself has closed it.
  options.argv = {"sh", "-c", "exec 3<&0 </dev/null; sh -c 'read line <&3' & exec 3<&-; echo ready; wait"};
  options.standard_input = {ChildStream::Kind::kGiven, connection.client.get()};
  options.standard_output.kind = ChildStream::Kind::kPipe;
  ChildProcess shell = ChildProcess::start(options).value();
  char octet = 0;
  ASSERT_EQ(read(shell.output(), &octet, 1), 1);

  EXPECT_THAT(outer_endpoints(shell.pid()).value(), ElementsAre(connection.remote));
}

TEST(OuterEndpoint, ShowsAMappedAddressAsIpv4) {
  const Connection connection = connection_over_ipv4();
  const UniqueFd mapped{socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!mapped.is_open()) GTEST_SKIP() << "this machine has no IPv6";
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(connection.remote.port);
  const std::uint8_t octets[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
  std::copy_n(octets, 16, address.sin6_addr.s6_addr);
  ASSERT_EQ(connect(mapped.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_THAT(outer_endpoints(getpid()).value(), Contains(connection.remote));
}

TEST(OuterEndpoint, OfAProcessWithoutConnectionsIsNone) {
  SpawnOptions options;
  options.argv = {"sleep", "60"};
  const ChildProcess child = ChildProcess::start(options).value();
  EXPECT_TRUE(outer_endpoints(child.pid())->empty());
}

TEST(OuterEndpoint, OfAnEndedProcessIsNotFound) {
  const pid_t pid = fork();
  if (pid == 0) _exit(0);
  waitpid(pid, nullptr, 0);
  EXPECT_EQ(outer_endpoints(pid).error().code, Error::Code::kNotFound);
}

}  // namespace
}  // namespace isthmus::io
