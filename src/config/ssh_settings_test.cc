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

}  // namespace
}  // namespace isthmus::config
