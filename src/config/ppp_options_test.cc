#include "config/ppp_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace isthmus::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

PppOptions parsed(const std::vector<std::string>& words) {
  const Result<PppOptions> options = parse_ppp_options(words);
  EXPECT_TRUE(options) << options.error().message;
  return options.value_or(PppOptions{});
}

std::string complaint(const std::vector<std::string>& words) {
  const Result<PppOptions> options = parse_ppp_options(words);
  EXPECT_FALSE(options);
  return options ? "" : options.error().message;
}

TEST(PppOptions, UnderstandsTheArticlesCommand) {
  const PppOptions options = parsed({"/dev/ttyp0", "local", "192.168.0.1:192.168.0.2"});
  EXPECT_EQ(options.tty, "/dev/ttyp0");
  EXPECT_FALSE(options.modem_control);
  EXPECT_EQ(options.link.network->local_ipv4, *IpAddress::parse("192.168.0.1"));
  EXPECT_EQ(options.link.network->remote_ipv4, *IpAddress::parse("192.168.0.2"));
  EXPECT_EQ(options.detach, PppDetach::kDetachAtOnce);
  EXPECT_FALSE(options.link.vsncp);
}

TEST(PppOptions, UnderstandsThePtyForm) {
  const PppOptions options = parsed({"updetach", "noauth", "passive", "pty",
                                     "ssh -o 'BatchMode yes' slave@polanski sudo pppd nodetach notty",
                                     "ipparam", "vpn", "192.168.3.1:192.168.3.2"});
  EXPECT_EQ(options.transport, PppTransport::kPty);
  EXPECT_THAT(options.pty_command, ElementsAre("ssh", "-o", "BatchMode yes", "slave@polanski", "sudo", "pppd",
                                               "nodetach", "notty"));
  EXPECT_EQ(options.detach, PppDetach::kDetachWhenUp);
  EXPECT_TRUE(options.link.passive);
  EXPECT_EQ(options.parameter, "vpn");
}

TEST(PppOptions, TakesTheAddressesThatAreGiven) {
  EXPECT_FALSE(parsed({"192.168.0.1:"}).link.network->remote_ipv4);
  EXPECT_FALSE(parsed({":192.168.0.2"}).link.network->local_ipv4);
  EXPECT_TRUE(parsed({":"}).link.network->accept_local_ipv4);
  EXPECT_FALSE(parsed({"192.168.0.1:192.168.0.2"}).link.network->accept_local_ipv4);
  EXPECT_FALSE(parsed({"192.168.0.1:192.168.0.2"}).link.network->accept_remote_ipv4);
  EXPECT_TRUE(parsed({"192.168.0.1:192.168.0.2", "ipcp-accept-local", "ipcp-accept-remote"})
                  .link.network->accept_local_ipv4);
  for (const char* wrong :
       {"192.168.0.1:x", "1.2.3:4.5.6.7", "127.0.0.1:10.0.0.1", "[::1]:[::2]", "10.0.0.1:10.0.0.1"})
    complaint({wrong});
}

TEST(PppOptions, UnderstandsEveryFlag) {
  const PppOptions options = parsed({"/dev/ttyS0",
                                     "115200",
                                     "nodetach",
                                     "silent",
                                     "modem",
                                     "crtscts",
                                     "lock",
                                     "debug",
                                     "dump",
                                     "asyncmap",
                                     "a0000",
                                     "mru",
                                     "1400",
                                     "mtu",
                                     "1300",
                                     "noaccomp",
                                     "nopcomp",
                                     "nomagic",
                                     "novj",
                                     "noccp",
                                     "nodeflate",
                                     "nobsdcomp",
                                     "novjccomp",
                                     "noipdefault",
                                     "lcp-echo-interval",
                                     "10",
                                     "lcp-echo-failure",
                                     "3",
                                     "lcp-max-configure",
                                     "7",
                                     "lcp-max-terminate",
                                     "4",
                                     "lcp-max-failure",
                                     "6",
                                     "lcp-restart",
                                     "2",
                                     "ms-dns",
                                     "10.0.0.53",
                                     "usepeerdns",
                                     "defaultroute",
                                     "proxyarp",
                                     "ipv6",
                                     "::1,::2",
                                     "linkname",
                                     "home",
                                     "ifname",
                                     "wan0",
                                     "maxfail",
                                     "0",
                                     "persist",
                                     "holdoff",
                                     "5"});
  EXPECT_EQ(options.speed, 115200U);
  EXPECT_EQ(options.detach, PppDetach::kNever);
  EXPECT_TRUE(options.modem_control && options.hardware_flow_control && options.lock && options.dump);
  EXPECT_EQ(options.verbosity, 1);
  EXPECT_EQ(options.link.accm, 0x000a0000U);
  EXPECT_EQ(options.link.mru, 1400);
  EXPECT_EQ(options.mtu, 1300);
  EXPECT_FALSE(options.link.address_control_compression || options.link.protocol_field_compression ||
               options.link.magic_number);
  EXPECT_EQ(options.link.echo_interval, std::chrono::seconds{10});
  EXPECT_EQ(options.link.dead_after_idle, std::chrono::seconds{40});
  EXPECT_EQ(options.link.max_configure, 7);
  EXPECT_EQ(options.link.max_terminate, 4);
  EXPECT_EQ(options.link.max_failure, 6);
  EXPECT_EQ(options.link.restart_interval, std::chrono::seconds{2});
  EXPECT_EQ(options.link.network->dns_to_offer.size(), 1U);
  EXPECT_TRUE(options.use_peer_dns && options.default_route && options.proxy_arp && options.persist);
  EXPECT_EQ(options.link.network->local_interface_id, 1U);
  EXPECT_EQ(options.remote_interface_id, 2U);
  EXPECT_EQ(options.link_name, "home");
  EXPECT_EQ(options.interface, "wan0");
  EXPECT_EQ(options.max_fail, 0);
  EXPECT_EQ(options.hold_off, std::chrono::seconds{5});
}

TEST(PppOptions, SendsNoEchoUnlessAsked) {
  const PppOptions options = parsed({"notty"});
  EXPECT_FALSE(options.link.echo_interval);
  EXPECT_GT(options.link.dead_after_idle, std::chrono::hours{24});
  EXPECT_EQ(options.detach, PppDetach::kNever);
}

TEST(PppOptions, KnowsUnitsAndShortTtyNames) {
  EXPECT_EQ(parsed({"ttyS1", "unit", "3"}).interface, "ppp3");
  EXPECT_EQ(parsed({"ttyS1"}).tty, "/dev/ttyS1");
  EXPECT_EQ(parsed({"pts/7"}).tty, "/dev/pts/7");
}

TEST(PppOptions, NamesAnUnknownWordAsPppdDoes) {
  EXPECT_EQ(complaint({"frobnicate"}), "unrecognized option 'frobnicate'");
  EXPECT_EQ(complaint({"mru"}), "too few parameters for option mru");
}

TEST(PppOptions, RefusesWhatItWillNotDoWithTheReason) {
  for (const char* word :
       {"auth", "connect", "disconnect", "file", "call", "plugin", "sync", "require-chap", "idle"})
    EXPECT_THAT(complaint({word, "x"}), HasSubstr("is refused: ")) << word;
}

TEST(PppOptions, RefusesValuesOutOfRange) {
  const std::vector<std::vector<std::string>> cases = {{"mru", "127"},
                                                       {"mru", "16385"},
                                                       {"mru", "x"},
                                                       {"mtu", "0"},
                                                       {"asyncmap", "zz"},
                                                       {"asyncmap", "1ffffffff"},
                                                       {"lcp-restart", "0"},
                                                       {"ms-dns", "::1"},
                                                       {"ms-dns", "127.0.0.1"},
                                                       {"ipv6", "1:2"},
                                                       {"ipv6", "::1,::1"},
                                                       {"ipv6", "2001:db8::1,::2"},
                                                       {"unit", "-1"},
                                                       {"ifname", "a/b"},
                                                       {"linkname", "../x"},
                                                       {"pty", ""},
                                                       {"pty", "ssh 'x"},
                                                       {"noip", "noipv6"},
                                                       {"notty", "/dev/tty1"},
                                                       {"pty", "x", "notty"},
                                                       {"ipparam", "a\nb"},
                                                       {"5"},
                                                       {"/dev/../etc/passwd"},
                                                       {"ttyS0\n"},
                                                       {"/etc/passwd"}};
  for (const auto& words : cases) complaint(words);
}

}  // namespace
}  // namespace isthmus::config
