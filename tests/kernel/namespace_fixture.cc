#include "kernel/namespace_fixture.h"

#include <sched.h>
#include <unistd.h>

#include <array>
#include <cstdio>

namespace isthmus::io {

void NamespaceTest::SetUp() {
  if (::geteuid() != 0) GTEST_SKIP() << "making a network namespace needs root";
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << "unshare(CLONE_NEWNET) failed";
  shell("sysctl -qw net.ipv6.conf.default.addr_gen_mode=1 net.ipv6.conf.default.accept_dad=0");
  shell("ip link set lo up");
  shell("ip link add lan0 type veth peer name lan1");
  shell("ip link set lan0 up && ip link set lan1 up");
  shell("ip addr add 10.1.0.1/24 dev lan0 && ip addr add 2001:db8:1::1/64 dev lan0 nodad");
  // The kernel notices a carrier a moment later, and makes a route then: wait, or snapshots differ by it.
  shell(
      "for i in $(seq 200); do [ $(ip -6 route show table local | grep -c ff00) = 2 ] && exit 0; sleep 0.02; "
      "done; echo no carrier; exit 1");
}

std::string NamespaceTest::shell(const std::string& command) {
  std::string output;
  std::FILE* pipe = ::popen(("( " + command + " ) 2>&1").c_str(), "r");
  std::array<char, 4096> chunk{};
  while (const std::size_t length = std::fread(chunk.data(), 1, chunk.size(), pipe)) {
    output.append(chunk.data(), length);
  }
  EXPECT_EQ(::pclose(pipe), 0) << command << "\n" << output;
  return output;
}

std::string NamespaceTest::snapshot() {
  return shell(
      "ip -o addr; ip route show table all; ip -6 route show table all; ip rule; ip -6 rule; "
      "ip neigh show proxy; ip -6 neigh show proxy; nft list ruleset; "
      "sysctl -a 2>/dev/null | grep -E '^net.ipv[46].conf.(all|default|lan0|lan1|lo)[.]"
      "(forwarding|rp_filter|accept_ra|accept_redirects|proxy_arp|proxy_ndp|addr_gen_mode|disable_ipv6) '");
}

}  // namespace isthmus::io
