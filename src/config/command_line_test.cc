#include "config/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace isthmus::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

UpOptions up(std::vector<std::string> words) {
  words.insert(words.begin(), "up");
  auto command = parse_command_line(words);
  EXPECT_TRUE(command) << command.error().text;
  return command ? std::get<UpCommand>(*command).options : UpOptions{};
}

std::string complaint(const std::vector<std::string>& words, int exit_code = 2) {
  const auto command = parse_command_line(words);
  EXPECT_FALSE(command);
  if (command) return "";
  EXPECT_EQ(command.error().exit_code, exit_code);
  EXPECT_TRUE(command.error().text.ends_with('\n'));
  return command.error().text;
}

std::string up_complaint(std::vector<std::string> words) {
  words.insert(words.begin(), {"up", "polanski", "--accept", "193.6.37.0/24"});
  return complaint(words);
}

TEST(CommandLine, UnderstandsTheFirstRealUse) {
  const UpOptions options = up({"root@polanski", "--offer", "193.6.35.0/24", "--accept", "193.6.37.0/24"});
  EXPECT_EQ(options.destination, (Destination{"root", "polanski", std::nullopt}));
  EXPECT_THAT(options.offers, ElementsAre(*Prefix::parse("193.6.35.0/24")));
  EXPECT_THAT(options.accepts, ElementsAre(*Prefix::parse("193.6.37.0/24")));
  EXPECT_EQ(options.name, "polanski");
  EXPECT_FALSE(options.is_named);
  EXPECT_TRUE(options.guard);
  EXPECT_FALSE(options.hold);
}

TEST(CommandLine, UnderstandsEveryOptionOfUp) {
  const UpOptions options = up({"-p",
                                "2222",
                                "-i",
                                "/root/key",
                                "-i",
                                "other",
                                "-J",
                                "jump.example,ssh://a@b:3",
                                "-F",
                                "conf",
                                "-o",
                                "ConnectTimeout=5",
                                "-o",
                                "Port 22",
                                "-e",
                                "ssh -4",
                                "--remote-command",
                                "pppd notty noauth",
                                "--offer",
                                "10.1.0.0/16,10.2.0.0/16",
                                "--offer",
                                "2001:db8::/32",
                                "--accept",
                                "0.0.0.0/0",
                                "--address",
                                "192.168.0.1:192.168.0.2",
                                "--address",
                                "[2001:db8::1]:[2001:db8::2]",
                                "--hosts",
                                "10.9.0.5,10.9.0.6",
                                "--name",
                                "site.b",
                                "--interface",
                                "tun-b",
                                "--mtu",
                                "1400",
                                "--path",
                                "datagram",
                                "--udp-port",
                                "4500",
                                "--cipher",
                                "chacha20-poly1305,aes256-gcm",
                                "--rekey-after",
                                "1000,30s",
                                "--proxy-arp",
                                "--masquerade",
                                "--no-guard",
                                "--hold",
                                "90",
                                "--detach",
                                "-vv",
                                "host"});
  EXPECT_EQ(options.destination.port, 2222);
  EXPECT_THAT(options.identities, ElementsAre("/root/key", "other"));
  EXPECT_EQ(options.jump, "jump.example,ssh://a@b:3");
  EXPECT_EQ(options.ssh_config, "conf");
  EXPECT_THAT(options.ssh_options, ElementsAre("ConnectTimeout=5", "Port 22"));
  EXPECT_THAT(options.ssh_words, ElementsAre("ssh", "-4"));
  EXPECT_EQ(options.remote_command, "pppd notty noauth");
  EXPECT_EQ(options.offers.size(), 3U);
  EXPECT_EQ(options.ipv4.remote, *IpAddress::parse("192.168.0.2"));
  EXPECT_EQ(options.ipv6.local, *IpAddress::parse("2001:db8::1"));
  EXPECT_EQ(options.hosts.size(), 2U);
  EXPECT_EQ(options.name, "site.b");
  EXPECT_TRUE(options.is_named);
  EXPECT_EQ(options.interface, "tun-b");
  EXPECT_EQ(options.mtu, 1400);
  EXPECT_EQ(options.path, session::PathMode::kDatagram);
  EXPECT_EQ(options.udp_port, 4500);
  EXPECT_THAT(options.ciphers, ElementsAre(crypto::Cipher::kChaCha20Poly1305, crypto::Cipher::kAes256Gcm));
  EXPECT_EQ(options.soft_limits, (session::SoftLimits{1000, std::chrono::seconds{30}}));
  EXPECT_TRUE(options.proxy_arp && options.masquerade && options.detach);
  EXPECT_FALSE(options.guard);
  EXPECT_EQ(options.hold, std::chrono::seconds{90});
  EXPECT_EQ(options.verbosity, 2);
}

TEST(CommandLine, LowersEitherSoftLimitAlone) {
  const session::SoftLimits usual;
  EXPECT_EQ(up({"host", "--accept", "::/0"}).soft_limits, usual);
  EXPECT_EQ(up({"host", "--accept", "::/0", "--rekey-after", "1"}).soft_limits,
            (session::SoftLimits{1, usual.time}));
  EXPECT_EQ(up({"host", "--accept", "::/0", "--rekey-after", "1s"}).soft_limits,
            (session::SoftLimits{usual.packets, std::chrono::seconds{1}}));
  EXPECT_EQ(up({"host", "--accept", "::/0", "--rekey-after", "268435456,600s"}).soft_limits, usual);
}

TEST(CommandLine, RaisesNoSoftLimit) {
  for (const char* limit : {"268435457", "601s", "0", "0s", "s", "", "1m", "-1", "1 s", "1000,0s",
                            "18446744073709551616", "9223372037s"})
    EXPECT_THAT(up_complaint({"--rekey-after", limit}), HasSubstr("1 to 268435456 packets")) << limit;
}

TEST(CommandLine, GivesPlanTheOptionsOfUp) {
  const auto command = parse_command_line({"plan", "polanski", "--accept=10.0.0.0/8"});
  ASSERT_TRUE(command);
  EXPECT_EQ(std::get<PlanCommand>(*command).options.name, "polanski");
}

TEST(CommandLine, TakesOneValueAListOption) {
  const UpOptions options = up({"--accept", "10.0.0.0/8", "host"});
  EXPECT_EQ(options.destination.host, "host");
}

TEST(CommandLine, TakesAnIpv6DestinationInBrackets) {
  const UpOptions options = up({"root@[2001:db8::1]", "--accept", "::/0"});
  EXPECT_EQ(options.destination.host, "2001:db8::1");
  EXPECT_EQ(options.name, "2001-db8--1");
  EXPECT_EQ(up({"[2001:db8::1]", "--accept", "::/0"}).destination.host, "2001:db8::1");
}

TEST(CommandLine, NamesWhatIsWrong) {
  EXPECT_THAT(up_complaint({"--offer", "10.0.0.1/8"}), HasSubstr("10.0.0.0/8"));
  EXPECT_THAT(up_complaint({"--ofer", "10.0.0.0/8"}), HasSubstr("did you mean '--offer'"));
  EXPECT_THAT(up_complaint({"-p", "0"}), HasSubstr("-p"));
  EXPECT_THAT(up_complaint({"-p", "70000"}), HasSubstr("65535"));
  EXPECT_THAT(up_complaint({"--mtu", "1279"}), HasSubstr("IPv6 needs 1280"));
  EXPECT_THAT(up_complaint({"--mtu", "70000"}), HasSubstr("65535"));
  EXPECT_THAT(up_complaint({"--path", "udp"}), HasSubstr("auto, stream or datagram"));
  EXPECT_THAT(up_complaint({"--cipher", "rot13"}), HasSubstr("aes128-gcm"));
  EXPECT_THAT(up_complaint({"--udp-port", "0"}), HasSubstr("from 1 to 65535"));
  EXPECT_THAT(up_complaint({"--hold", "-1"}), HasSubstr("--hold"));
  EXPECT_THAT(up_complaint({"--address", "10.0.0.1:::1"}), HasSubstr("one family"));
  EXPECT_THAT(up_complaint({"--address", "1.1.1.1:1.1.1.2", "--address", "1.1.1.3:1.1.1.4"}),
              HasSubstr("enough"));
  EXPECT_THAT(up_complaint({"--hosts", "127.0.0.1"}), HasSubstr("host"));
  EXPECT_THAT(up_complaint({"--interface", "eth0.1"}), HasSubstr("--interface"));
  EXPECT_THAT(up_complaint({"--name", "../x"}), HasSubstr("--name"));
  EXPECT_THAT(up_complaint({"-o", "StrictHostKeyChecking=no"}), HasSubstr("refused"));
  EXPECT_THAT(up_complaint({"-e", "ssh 'x"}), HasSubstr("quote"));
  EXPECT_THAT(up_complaint({"-e", "dbclient", "-o", "Port=1"}), HasSubstr("OpenSSH"));
  EXPECT_THAT(up_complaint({"-J", "-oProxyCommand=x"}), HasSubstr("-"));
  EXPECT_THAT(up_complaint({"-J", "a b"}), HasSubstr("-J"));
  EXPECT_THAT(up_complaint({"second"}), HasSubstr("second"));
  EXPECT_THAT(complaint({"up", "--accept", "10.0.0.0/8"}), HasSubstr("destination"));
  EXPECT_THAT(complaint({"up", "polanski"}), HasSubstr("nothing to join"));
  EXPECT_THAT(complaint({"up", "ssh://h:22", "-p", "23", "--accept", "10.0.0.0/8"}),
              HasSubstr("different ports"));
  EXPECT_THAT(complaint({"dwon"}), HasSubstr("did you mean 'down'"));
  EXPECT_THAT(complaint({"help", "dwon"}), HasSubstr("did you mean 'down'"));
  EXPECT_THAT(complaint({"up", "polanski", "--offer"}), HasSubstr("--offer needs a value"));
  EXPECT_THAT(complaint({}), HasSubstr("isthmus up"));
}

TEST(CommandLine, RefusesADestinationThatSshCouldTakeForAnOption) {
  EXPECT_THAT(complaint({"up", "--accept", "10.0.0.0/8", "--", "-oProxyCommand=touch x"}),
              HasSubstr("begin with '-'"));
  EXPECT_THAT(complaint({"up", "--accept", "10.0.0.0/8", "-l@host"}), HasSubstr("isthmus up"));
}

TEST(CommandLine, RefusesMoreThan32Prefixes) {
  std::vector<std::string> words;
  for (int i = 0; i < 33; ++i) words.insert(words.end(), {"--offer", "10." + std::to_string(i) + ".0.0/16"});
  EXPECT_THAT(up_complaint(words), HasSubstr("32"));
}

TEST(CommandLine, UnderstandsTheOtherCommands) {
  EXPECT_EQ(std::get<DownCommand>(*parse_command_line({"down", "polanski"})).name, "polanski");
  EXPECT_EQ(std::get<DownCommand>(*parse_command_line({"down", "--all"})).name, std::nullopt);
  EXPECT_TRUE(std::get<StatusCommand>(*parse_command_line({"status", "--json"})).json);
  EXPECT_EQ(std::get<StatusCommand>(*parse_command_line({"status", "a"})).name, "a");
  EXPECT_TRUE(std::holds_alternative<CleanupCommand>(*parse_command_line({"cleanup"})));
  EXPECT_EQ(std::get<AttachCommand>(*parse_command_line({"attach", "--peer", "fellini"})).peer, "fellini");
  EXPECT_TRUE(std::holds_alternative<VersionCommand>(*parse_command_line({"version"})));
  EXPECT_TRUE(std::holds_alternative<VersionCommand>(*parse_command_line({"--version"})));
  EXPECT_EQ(std::get<HelpCommand>(*parse_command_line({"help", "up"})).topic, "up");
  EXPECT_EQ(std::get<HelpCommand>(*parse_command_line({"up", "--help"})).topic, "up");
  EXPECT_EQ(std::get<HelpCommand>(*parse_command_line({"ppp", "-h"})).topic, "ppp");
  EXPECT_EQ(std::get<HelpCommand>(*parse_command_line({"--help"})).topic, "");
}

TEST(CommandLine, TakesTheCallersGreeting) {
  const Greeting greeting{"fellini", {1, 2}, {3, 4}};
  const auto command = parse_command_line({"attach", "--caller", encode_greeting(greeting)});
  ASSERT_TRUE(command);
  EXPECT_EQ(std::get<AttachCommand>(*command).caller, greeting);
  complaint({"attach", "--caller", "fellini"});
  complaint({"attach", "--caller", ""});
  complaint({"attach", "--peer", ""});
}

TEST(CommandLine, WantsDownToNameOneThing) {
  complaint({"down"});
  complaint({"down", "a", "--all"});
  complaint({"down", "a/b"});
  complaint({"status", ".."});
}

TEST(CommandLine, HandsPppItsOwnWordsAndExitCode) {
  const auto command = parse_command_line({"ppp", "notty", "192.168.0.1:192.168.0.2"});
  ASSERT_TRUE(command);
  EXPECT_EQ(std::get<PppCommand>(*command).options.transport, PppTransport::kNotty);
  EXPECT_THAT(complaint({"ppp", "nonsense"}), HasSubstr("unrecognized option 'nonsense'"));
}

TEST(CommandLine, HelpsWithEveryCommand) {
  for (const char* topic : {"", "up", "plan", "down", "status", "cleanup", "attach", "ppp"})
    EXPECT_THAT(help_text(topic), HasSubstr(topic)) << topic;
  EXPECT_EQ(help_text("nonsense"), help_text(""));
  for (const char* flag : {"--offer", "--accept", "--address", "--hosts", "--proxy-arp", "--masquerade",
                           "--no-guard", "--mtu", "--path", "--cipher", "--udp-port", "--rekey-after",
                           "--name", "--interface", "--hold", "--detach", "--remote-command"})
    EXPECT_THAT(help_text("up"), HasSubstr(flag));
}

// FAULTS F30: whatever stands where a name, host, user, path or number belongs, it is a value or refused.
TEST(CommandLine, SurvivesHostileWordsEverywhere) {
  const std::vector<std::string> hostile = {";",
                                            "$(id)",
                                            "`id`",
                                            "|",
                                            "a\nb",
                                            std::string{"a\0b", 3},
                                            "-oProxyCommand=id",
                                            "--",
                                            "-",
                                            "%n",
                                            "%",
                                            "..",
                                            "../../etc",
                                            "\xff\xfe",
                                            "'",
                                            "\"",
                                            "[",
                                            "]",
                                            "[]",
                                            "[a",
                                            "a]",
                                            "{}",
                                            "=",
                                            "@",
                                            "@@",
                                            ":",
                                            "::",
                                            "/",
                                            "",
                                            std::string(9000, 'x'),
                                            "\x1b[2J",
                                            "a b",
                                            "~",
                                            "*",
                                            "&&",
                                            ">x",
                                            "$IFS"};
  const std::vector<std::string> flags = {"",        "-p",          "-i",         "-J",
                                          "-F",      "-o",          "-e",         "--remote-command",
                                          "--offer", "--accept",    "--address",  "--hosts",
                                          "--name",  "--interface", "--mtu",      "--hold",
                                          "--path",  "--cipher",    "--udp-port", "--rekey-after"};
  for (const std::string& word : hostile) {
    for (const std::string& flag : flags) {
      std::vector<std::string> words = {"up", "polanski", "--accept", "10.0.0.0/8"};
      if (!flag.empty()) words.push_back(flag);
      words.push_back(word);
      const auto command = parse_command_line(words);
      if (!command) {
        EXPECT_EQ(command.error().text.find_first_of("\x1b\r"), std::string::npos);
        continue;
      }
      const auto* options = std::get_if<UpCommand>(&*command);
      if (options == nullptr) continue;
      EXPECT_EQ(options->options.destination.host, "polanski");
      EXPECT_TRUE(is_valid_name(options->options.name));
    }
    for (const char* command : {"down", "status", "attach", "ppp", "help", "cleanup", "version"})
      (void)parse_command_line({command, word});
    (void)parse_command_line({word});
    (void)parse_command_line({"attach", "--peer", word, "--caller", word});
  }
}

}  // namespace
}  // namespace isthmus::config
