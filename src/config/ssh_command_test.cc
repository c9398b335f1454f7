#include "config/ssh_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace isthmus::config {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

UpOptions to(const char* destination) {
  UpOptions options;
  options.destination = parse_destination(destination).value();
  return options;
}

const Greeting kCaller{"fellini", {}, {}};

std::vector<std::string> argv_of(const UpOptions& options, const DialChoices& choices) {
  return ssh_command(options, kCaller, choices).argv;
}

TEST(SshCommand, IsTheSystemsSshWithTheStreamKeptClean) {
  const std::vector<std::string> argv = argv_of(to("root@polanski"), {Dial::kFirst});
  EXPECT_EQ(argv.front(), "ssh");
  for (const char* option : {"RequestTTY=no", "ControlPath=none", "ControlMaster=no", "RemoteCommand=none",
                             "ClearAllForwardings=yes", "ForwardAgent=no", "ForwardX11=no", "Compression=no",
                             "PermitLocalCommand=no", "EscapeChar=none", "Tunnel=no"})
    EXPECT_THAT(argv, Contains(option));
  EXPECT_THAT(argv, Not(Contains("BatchMode=yes")));
}

TEST(SshCommand, AsksNobodyWhenItDialsAgain) {
  EXPECT_THAT(argv_of(to("polanski"), {Dial::kAgain}), Contains("BatchMode=yes"));
}

TEST(SshCommand, DialsAgainWhereItFoundTheMachineBefore) {
  const KnownPlace known{"193.6.36.12", "[polanski]:2222"};
  const std::vector<std::string> argv = argv_of(to("polanski"), {Dial::kAgain, known});
  EXPECT_THAT(argv, Contains("HostName=193.6.36.12"));
  EXPECT_THAT(argv, Contains("HostKeyAlias=[polanski]:2222"));
  EXPECT_EQ(argv[argv.size() - 2], "polanski");
}

TEST(SshCommand, HasTheConnectionMadeByAConstantTextAndItsTargetInTheEnvironment) {
  DialChoices choices;
  choices.connector = SshConnector{"/opt/a $(b)/isthmus", {"polanski", 22, {}, std::chrono::seconds{15}, 1}};
  const SshCommand command = ssh_command(to("polanski"), kCaller, choices);
  EXPECT_THAT(command.argv, Contains("ProxyUseFdpass=yes"));
  EXPECT_THAT(command.argv, Contains(std::string{"ProxyCommand=\"$ISTHMUS_PROGRAM\" "} + kConnectForSshWord));
  EXPECT_THAT(command.environment,
              ElementsAre("ISTHMUS_PROGRAM=/opt/a $(b)/isthmus", "ISTHMUS_CONNECT=polanski 22 any 15 1"));
}

TEST(SshCommand, LeavesTheConnectionToSshUnlessToldOtherwise) {
  const SshCommand command = ssh_command(to("polanski"), kCaller, {});
  EXPECT_THAT(command.argv, Not(Contains(HasSubstr("Proxy"))));
  EXPECT_THAT(command.argv, Not(Contains(HasSubstr("Ciphers"))));
  EXPECT_TRUE(command.environment.empty());
}

TEST(SshCommand, ProposesCiphersBehindTheUsersOwn) {
  UpOptions options = to("polanski");
  options.ssh_options = {"Ciphers=aes256-ctr"};
  DialChoices choices;
  choices.ciphers = "aes128-gcm@openssh.com,x";
  const std::vector<std::string> argv = argv_of(options, choices);
  const auto at = [&](const char* word) { return std::ranges::find(argv, word); };
  ASSERT_NE(at("Ciphers=aes128-gcm@openssh.com,x"), argv.end());
  EXPECT_LT(at("Ciphers=aes256-ctr"), at("Ciphers=aes128-gcm@openssh.com,x"));
}

TEST(SshCommand, EndsWithTheHostAndOneRemoteCommand) {
  UpOptions options = to("ssh://root@[2001:db8::1]:2222");
  options.remote_command = "pppd notty noauth";
  options.identities = {"key"};
  options.jump = "a,b";
  options.ssh_config = "conf";
  const std::vector<std::string> argv = argv_of(options, {Dial::kFirst});
  const auto tail = std::vector<std::string>(argv.end() - 13, argv.end());
  EXPECT_THAT(tail, ElementsAre("-F", "conf", "-J", "a,b", "-i", "key", "-p", "2222", "-l", "root", "--",
                                "2001:db8::1", "pppd notty noauth"));
}

TEST(SshCommand, PutsTheUsersOptionsBehindTheOnesThatMustHold) {
  UpOptions options = to("polanski");
  options.ssh_options = {"ConnectTimeout=3"};
  const std::vector<std::string> argv = argv_of(options, {Dial::kFirst});
  const auto at = [&](const char* word) { return std::ranges::find(argv, word) - argv.begin(); };
  EXPECT_LT(at("EscapeChar=none"), at("ConnectTimeout=3"));
  EXPECT_LT(at("ConnectTimeout=3"), at("ConnectTimeout=15"));
}

TEST(SshCommand, SpeaksToOtherProgramsInTheirOwnWords) {
  UpOptions options = to("ssh://root@polanski:22");
  options.remote_command = "x";
  options.identities = {"key"};
  options.ssh_words = {"dbclient"};
  EXPECT_THAT(argv_of(options, {Dial::kFirst}),
              ElementsAre("dbclient", "-T", "-i", "key", "-p", "22", "-l", "root", "polanski", "x"));
  options.ssh_words = {"/usr/bin/plink", "-4"};
  EXPECT_THAT(argv_of(options, {Dial::kAgain}),
              ElementsAre("/usr/bin/plink", "-4", "-ssh", "-T", "-x", "-a", "-batch", "-i", "key", "-P", "22",
                          "-l", "root", "polanski", "x"));
  EXPECT_TRUE(is_openssh({"ip", "netns", "exec", "a", "ssh"}));
  EXPECT_FALSE(is_openssh({"ip", "netns", "exec", "a", "dbclient"}));
}

TEST(SshCommand, AsksForIsthmusInWordsAnyLoginShellTakes) {
  const std::string command = default_remote_command(kCaller);
  EXPECT_THAT(command, HasSubstr("attach --caller " + encode_greeting(kCaller)));
  EXPECT_THAT(command, HasSubstr("sudo -n"));
  EXPECT_THAT(command, HasSubstr("exit 127"));
  EXPECT_EQ(greeting_in_command(command), kCaller);
  EXPECT_EQ(std::ranges::count(command, '\''), 2);
  EXPECT_EQ(command.find_first_of("!\n\\`"), std::string::npos);
}

TEST(SplitSshWords, SplitsAsRsyncDoes) {
  EXPECT_THAT(*split_ssh_words("ssh -p 22  -i 'a b'\t\"c d\" e\\ f"),
              ElementsAre("ssh", "-p", "22", "-i", "a b", "c d", "e f"));
  EXPECT_THAT(*split_ssh_words("ssh '' $(id) ;x|y %n"), ElementsAre("ssh", "", "$(id)", ";x|y", "%n"));
  for (const char* wrong : {"", "   ", "'ssh", "ssh \"x", "-oProxyCommand=x", "'' x"})
    EXPECT_FALSE(split_ssh_words(wrong)) << wrong;
  EXPECT_FALSE(split_ssh_words(std::string_view{"a\0b", 3}));
}

TEST(SshOption, IsRefusedWhenItWeakensTheHostKeyCheck) {
  for (const char* option :
       {"StrictHostKeyChecking=no", "stricthostkeychecking no", "StrictHostKeyChecking = off",
        " StrictHostKeyChecking=\"no\"", "STRICTHOSTKEYCHECKING\tNO", "StrictHostKeyChecking",
        "StrictHostKeyChecking==no", "UserKnownHostsFile=/dev/null", "UserKnownHostsFile ~/.x /dev/null"})
    EXPECT_FALSE(check_ssh_option(option)) << option;
  for (const char* option : {"StrictHostKeyChecking=yes", "StrictHostKeyChecking=accept-new",
                             "StrictHostKeyChecking ask", "UserKnownHostsFile=/tmp/known"})
    EXPECT_TRUE(check_ssh_option(option)) << option;
}

TEST(SshOption, IsRefusedWhenItBreaksTheStream) {
  for (const char* option :
       {"RequestTTY=force", "RequestTTY yes", "RemoteCommand=id", "Compression=yes", "ControlMaster=auto",
        "ControlPath=~/x", "LocalForward=1 a:2", "DynamicForward 1080", "ForwardAgent=yes", "Tunnel=yes",
        "EscapeChar=~", "StdinNull=yes", "SessionType=none", "PermitLocalCommand=yes", "LocalCommand=id",
        "a\nb", "", "="})
    EXPECT_FALSE(check_ssh_option(option)) << option;
  for (const char* option : {"Port=22", "ConnectTimeout 3", "IdentitiesOnly=yes", "ProxyCommand=nc %h %p",
                             "RequestTTY=no", "Ciphers=aes128-gcm@openssh.com"})
    EXPECT_TRUE(check_ssh_option(option)) << option;
}

TEST(SshWords, AreCheckedLikeOptions) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"ssh", "-t"},
                                             {"ssh", "-4t"},
                                             {"ssh", "-N"},
                                             {"ssh", "-f"},
                                             {"ssh", "-C"},
                                             {"ssh", "-A"},
                                             {"ssh", "-W", "a:1"},
                                             {"ssh", "-L1:a:2"},
                                             {"ssh", "-oStrictHostKeyChecking=no"},
                                             {"ssh", "-o", "StrictHostKeyChecking=no"},
                                             {"ssh", "-4o", "StrictHostKeyChecking no"},
                                             {"ssh", "-i", "key", "-M"},
                                             {"ssh", "host"},
                                             {"ssh", "--"},
                                             {"ssh", "-o"},
                                             {"ssh", "-e", "~"},
                                             {"/usr/bin/ssh", "-tt"},
                                             {"ip", "netns", "exec", "a", "ssh", "-t"},
                                             {"dbclient", "-y"},
                                             {"dbclient", "-yy"},
                                             {"dbclient", "-N"},
                                             {"ssh", "-4\n"}})
    EXPECT_FALSE(check_ssh_words(words)) << testing::PrintToString(words);
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"ssh"},
                                             {"ssh", "-4"},
                                             {"ssh", "-vvi", "-t"},
                                             {"ssh", "-p", "22", "-F", "x"},
                                             {"ssh", "-e", "none"},
                                             {"ssh", "-oPort=22"},
                                             {"dbclient", "-i", "key"},
                                             {"plink", "-load", "x"},
                                             {"my-ssh", "anything"}})
    EXPECT_TRUE(check_ssh_words(words)) << testing::PrintToString(words);
}

}  // namespace
}  // namespace isthmus::config
