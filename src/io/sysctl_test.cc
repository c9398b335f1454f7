#include "io/sysctl.h"

#include <gtest/gtest.h>

#include "io/test_directory.h"

namespace isthmus::io {
namespace {

TEST(Sysctl, ReadsAndWritesBelowItsRoot) {
  const TestDirectory root;
  root.write("net/ipv4/conf/eth0/forwarding", "0\n");
  const Sysctl sysctl{root.path()};
  EXPECT_EQ(sysctl.read("net.ipv4.conf.eth0.forwarding"), "0");
  ASSERT_TRUE(sysctl.write("net.ipv4.conf.eth0.forwarding", "1"));
  EXPECT_EQ(sysctl.read("net.ipv4.conf.eth0.forwarding"), "1");
}

TEST(Sysctl, TakesASlashForADotInAnInterfaceName) {
  const Sysctl sysctl{"/root"};
  EXPECT_EQ(sysctl.path_of("net.ipv4.conf.eth0/100.forwarding")->string(),
            "/root/net/ipv4/conf/eth0.100/forwarding");
}

TEST(Sysctl, RefusesKeysThatLeadElsewhere) {
  const Sysctl sysctl{"/root"};
  for (const char* key :
       {"", "net", "net.", "kernel.hostname", "net..ipv4", "net.//.x", "net.ipv4.", "net.a//b", "net./..x",
        "net.ipv4/", "netx.y", "net.ipv4.conf.a b.c", ".net.x", "/net.x"}) {
    const auto path = sysctl.path_of(key);
    EXPECT_TRUE(!path ||
                (path->string().starts_with("/root/net/") && path->string().find("..") == std::string::npos))
        << key;
  }
  for (const char* key : {"", "net", "kernel.hostname", "net..ipv4", "net.//.x", "net.a//b", "net./x"}) {
    EXPECT_EQ(sysctl.path_of(key).error().code, Error::Code::kInvalid) << key;
  }
}

TEST(Sysctl, SaysThatAKeyIsMissing) {
  const TestDirectory root;
  EXPECT_EQ(Sysctl{root.path()}.read("net.ipv4.none").error().code, Error::Code::kNotFound);
  EXPECT_EQ(Sysctl{root.path()}.write("net.ipv4.none", "1").error().code, Error::Code::kNotFound);
}

}  // namespace
}  // namespace isthmus::io
