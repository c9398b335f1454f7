#include "io/tun_device.h"

#include <cerrno>

#include "io/netlink.h"
#include "io/sysctl.h"
#include "kernel/namespace_fixture.h"

namespace isthmus::io {
namespace {

class TunTest : public NamespaceTest {};

TEST_F(TunTest, IsUpWithItsMtuAndWithoutAnyAddress) {
  const auto tun = TunDevice::open(kTunNamePattern, 1404);
  ASSERT_TRUE(tun) << tun.error().message;
  EXPECT_EQ(tun->name(), "isth0");
  const std::string seen = shell("ip addr show dev isth0");
  EXPECT_NE(seen.find("mtu 1404"), std::string::npos) << seen;
  EXPECT_NE(seen.find(",UP,"), std::string::npos) << seen;
  EXPECT_EQ(seen.find("inet"), std::string::npos) << seen;
  ASSERT_TRUE(tun->change_mtu(1300));
  EXPECT_NE(shell("ip link show dev isth0").find("mtu 1300"), std::string::npos);
}

TEST_F(TunTest, BelievesNoAdvertisementOrRedirectOfTheFarSide) {
  const auto tun = TunDevice::open("isth7", 1404);
  ASSERT_TRUE(tun);
  EXPECT_EQ(Sysctl{}.read("net.ipv6.conf.isth7.accept_ra"), "0");
  EXPECT_EQ(Sysctl{}.read("net.ipv6.conf.isth7.accept_redirects"), "0");
  EXPECT_EQ(Sysctl{}.read("net.ipv4.conf.isth7.accept_redirects"), "0");
}

TEST_F(TunTest, LeavesNothingWhenItIsClosed) {
  const std::string before = snapshot();
  {
    ASSERT_TRUE(TunDevice::open(kTunNamePattern, 1404));
  }
  EXPECT_EQ(snapshot(), before);
}

TEST_F(TunTest, CarriesPacketsWithoutAnyHeader) {
  auto tun = TunDevice::open(kTunNamePattern, 1404);
  ASSERT_TRUE(tun);
  shell("ip addr add 10.9.0.1/24 dev isth0 && (ping -c1 -W1 10.9.0.2 >/dev/null || true)");
  Bytes buffer(TunDevice::kReadBuffer);
  const auto packet = tun->read(buffer);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->octets.size(), 84U);
  EXPECT_EQ(packet->octets[0], 0x45);
  EXPECT_EQ(packet->segment_size, 0);
  EXPECT_FALSE(tun->read(buffer));
  EXPECT_EQ(errno, EAGAIN);
}

TEST_F(TunTest, NeverJoinsAnInterfaceThatExists) {
  shell("ip tuntap add name isth5 mode tun");
  EXPECT_EQ(TunDevice::open("isth5", 1404).error().code, Error::Code::kExists);
  EXPECT_EQ(TunDevice::open("lan0", 1404).error().code, Error::Code::kExists);
}

TEST_F(TunTest, GetsTheNextNumberWhenOneIsTaken) {
  const auto first = TunDevice::open(kTunNamePattern, 1404);
  const auto second = TunDevice::open(kTunNamePattern, 1404);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(second->name(), "isth1");
}

// Unnumbered: the tunnel's address is the LAN interface's own.
TEST_F(TunTest, MayShareAnAddressWithTheLanAndGiveItBack) {
  for (const char* text : {"10.1.0.1", "2001:db8:1::1"}) {
    const std::string before = snapshot();
    {
      const auto tun = TunDevice::open(kTunNamePattern, 1404);
      auto netlink = Netlink::open();
      ASSERT_TRUE(tun && netlink);
      const IpAddress local = address(text);
      const IpAddress peer = address(local.is_v4() ? "10.2.0.1" : "2001:db8:2::1");
      const AddressChange change{tun->name(), local, local.bits(), peer};
      const std::string with_tun = snapshot();
      const auto added = netlink->add(change);
      ASSERT_TRUE(added) << added.error().message;
      EXPECT_NE(snapshot(), with_tun);
      ASSERT_TRUE(netlink->remove(change));
      EXPECT_EQ(snapshot(), with_tun);
      ASSERT_TRUE(netlink->add(change));
    }
    EXPECT_EQ(snapshot(), before);
    shell(std::string{"ping -c1 -W1 "} + text);
  }
}

}  // namespace
}  // namespace isthmus::io
