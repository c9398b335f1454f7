#include "config/ssh_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/ssh_command.h"

namespace isthmus::config {
namespace {

using testing::Contains;
using testing::HasSubstr;

TEST(SshSettings, AreReadFromWhatSshPrints) {
  const SshSettings settings = parse_ssh_settings(
      "host polanski\nuser root\nhostname polanski.example\nport 2222\nstricthostkeychecking ask\n"
      "userknownhostsfile /home/a/.ssh/known_hosts /home/a/.ssh/known_hosts2\n");
  EXPECT_EQ(settings.host_name, "polanski.example");
  EXPECT_TRUE(settings.is_direct);
  EXPECT_EQ(settings.weakness, "");
  EXPECT_EQ(known_hosts_name(settings), "[polanski.example]:2222");
}

TEST(SshSettings, NameTheKeyAsKnownHostsDoes) {
  EXPECT_EQ(known_hosts_name(parse_ssh_settings("hostname polanski\nport 22\n")), "polanski");
  EXPECT_EQ(known_hosts_name(parse_ssh_settings("hostname polanski\nport 22\nhostkeyalias office\n")),
            "office");
}

TEST(SshSettings, SeeProxies) {
  EXPECT_FALSE(parse_ssh_settings("hostname a\nproxyjump b\n").is_direct);
  EXPECT_FALSE(parse_ssh_settings("hostname a\nproxycommand nc %h %p\n").is_direct);
  EXPECT_TRUE(parse_ssh_settings("hostname a\nproxyjump none\n").is_direct);
  EXPECT_FALSE(parse_ssh_settings("").is_direct);
}

// As `ssh -G` of OpenSSH 9.2 prints them, with the call's own ConnectTimeout.
constexpr const char* kPlain =
    "hostname polanski.example\nport 2222\naddressfamily any\ncanonicalizehostname false\ncheckhostip no\n"
    "tcpkeepalive yes\nproxyusefdpass no\ncanonicalizePermittedcnames none\nconnectionattempts 2\n"
    "connecttimeout 15\n";

TEST(SshSettings, TellWhereWeMayConnectOurselves) {
  const SshTarget target{"polanski.example", 2222, std::nullopt, std::chrono::seconds{15}, 2};
  EXPECT_EQ(parse_ssh_settings(kPlain).target, target);
  EXPECT_EQ(parse_ssh_settings(std::string{"addressfamily inet6\n"} + kPlain).target->family, Family::kIpv6);
  EXPECT_EQ(parse_ssh_settings(std::string{"connecttimeout none\n"} + kPlain).target->timeout,
            std::chrono::seconds{0});
}

TEST(SshSettings, LeaveTheConnectionToSshWhereTheyAskForMoreThanAConnection) {
  for (const char* line :
       {"proxycommand nc %h %p", "proxyjump b", "bindaddress 192.0.2.1", "bindinterface wan0",
        "canonicalizehostname true", "canonicalizehostname always", "canonicalizePermittedcnames *.a:*.b",
        "checkhostip yes", "tcpkeepalive no", "proxyusefdpass yes", "addressfamily unspec", "port x",
        "port 65558", "hostname a b", "hostname $(id)", "connectionattempts 0", "connecttimeout 999999"})
    EXPECT_FALSE(parse_ssh_settings(std::string{line} + "\n" + kPlain).target) << line;
  EXPECT_FALSE(parse_ssh_settings("").target);
}

TEST(SshSettings, PreferTheCipherThatTheProcessorHelpsWith) {
  EXPECT_EQ(with_aes_gcm_first("chacha20-poly1305@openssh.com,aes128-ctr,aes128-gcm@openssh.com,x"),
            "aes128-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr,x");
}

TEST(SshSettings, KeepACipherOrderThatSomebodyChoseOrThatLacksTheFastOne) {
  for (const char* list :
       {"", "aes256-ctr,chacha20-poly1305@openssh.com,aes128-gcm@openssh.com",
        "aes128-gcm@openssh.com,chacha20-poly1305@openssh.com", "chacha20-poly1305@openssh.com",
        "chacha20-poly1305@openssh.com,aes128-ctr,aes256-gcm@openssh.com"})
    EXPECT_EQ(with_aes_gcm_first(list), "") << list;
}

TEST(SshSettings, SeeThatAnyMachineWouldBeTaken) {
  for (const char* text : {"stricthostkeychecking false\n", "stricthostkeychecking no\n",
                           "stricthostkeychecking accept-new\nuserknownhostsfile /dev/null\n"
                           "globalknownhostsfile none\n"})
    EXPECT_THAT(parse_ssh_settings(text).weakness, HasSubstr("StrictHostKeyChecking")) << text;
  EXPECT_EQ(parse_ssh_settings("stricthostkeychecking true\nnohostauthenticationforlocalhost yes\n").weakness,
            "NoHostAuthenticationForLocalhost yes");
  for (const char* text :
       {"stricthostkeychecking true\nuserknownhostsfile /dev/null\n",
        "stricthostkeychecking accept-new\nuserknownhostsfile /root/.ssh/known_hosts\n",
        "stricthostkeychecking accept-new\nuserknownhostsfile /dev/null\nknownhostscommand /bin/keys\n"})
    EXPECT_EQ(parse_ssh_settings(text).weakness, "") << text;
}

TEST(SshSettings, AreAskedWithTheOptionsOfTheCall) {
  UpOptions options;
  options.destination = parse_destination("root@polanski").value();
  options.ssh_config = "conf";
  const std::vector<std::string> argv = ssh_settings_command(options);
  EXPECT_THAT(argv, Contains("-G"));
  EXPECT_THAT(argv, Contains("conf"));
  EXPECT_EQ(argv.back(), "polanski");
  options.ssh_words = {"dbclient"};
  EXPECT_TRUE(ssh_settings_command(options).empty());
  options.ssh_words = {"/opt/my-own-way"};
  EXPECT_TRUE(ssh_settings_command(options).empty());
  options.ssh_words = {"ip", "netns", "exec", "a", "/usr/bin/ssh"};
  EXPECT_FALSE(ssh_settings_command(options).empty());
}

TEST(SshSettings, AreOfAProgramInOurOwnSurroundingsUnlessAnotherStandsInFront) {
  EXPECT_TRUE(starts_ssh_itself({}));
  EXPECT_TRUE(starts_ssh_itself({"/usr/bin/ssh", "-4"}));
  EXPECT_FALSE(starts_ssh_itself({"sudo", "-u", "a", "ssh"}));
  EXPECT_FALSE(starts_ssh_itself({"my-ssh"}));
}

}  // namespace
}  // namespace isthmus::config
