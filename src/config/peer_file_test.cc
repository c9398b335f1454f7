#include "config/peer_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace isthmus::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::string complaint(const std::string& text) {
  const Result<PeerPolicy> policy = parse_peer_file(text, "fellini");
  EXPECT_FALSE(policy) << text;
  return policy ? "" : policy.error().message;
}

TEST(PeerFile, UnderstandsEveryKey) {
  const Result<PeerPolicy> policy = parse_peer_file(R"(
offer = ["193.6.37.0/24", "2001:db8:37::/48"]
accept = "193.6.35.0/24"          # one text is a list of one
address = ["192.168.0.2:192.168.0.1", "[2001:db8::2]:[2001:db8::1]"]
assign = ["193.6.37.200", "193.6.37.201"]
hosts = ["193.6.37.99"]
sudo_users = ["slave"]
mtu = 1400
path = "stream"
udp_port = 4500
cipher = ["aes256-gcm", "aes128-gcm"]
proxy_arp = true
masquerade = true
guard = false
hold = 30
interface = "isth-b"
)",
                                                    "fellini");
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_EQ(policy->origin, PolicyOrigin::kPeerFile);
  EXPECT_EQ(policy->name, "fellini");
  EXPECT_EQ(policy->offers.size(), 2U);
  EXPECT_THAT(policy->accepts, ElementsAre(*Prefix::parse("193.6.35.0/24")));
  EXPECT_EQ(policy->ipv4.remote, *IpAddress::parse("192.168.0.1"));
  EXPECT_EQ(policy->ipv6.local, *IpAddress::parse("2001:db8::2"));
  EXPECT_EQ(policy->assign.size(), 2U);
  EXPECT_EQ(policy->hosts.size(), 1U);
  EXPECT_THAT(policy->sudo_users, ElementsAre("slave"));
  EXPECT_EQ(policy->mtu, 1400);
  EXPECT_EQ(policy->path, session::PathMode::kStream);
  EXPECT_EQ(policy->udp_port, 4500);
  EXPECT_THAT(policy->ciphers, ElementsAre(crypto::Cipher::kAes256Gcm, crypto::Cipher::kAes128Gcm));
  EXPECT_TRUE(policy->proxy_arp && policy->masquerade && !policy->guard);
  EXPECT_EQ(policy->hold, std::chrono::seconds{30});
  EXPECT_EQ(policy->interface, "isth-b");
}

TEST(PeerFile, PermitsNothingWhenEmpty) {
  const Result<PeerPolicy> policy = parse_peer_file("", "fellini");
  ASSERT_TRUE(policy);
  EXPECT_TRUE(policy->accepts.empty() && policy->offers.empty() && policy->sudo_users.empty());
  EXPECT_TRUE(policy->guard);
  EXPECT_EQ(policy->hold, kDefaultAttachHold);
}

TEST(PeerFile, NamesLineAndColumn) {
  EXPECT_THAT(complaint("offer = [\"193.6.37.0/24\"]\naccept = [\"10.0.0.0/8\",\n  \"10.0.0.1/24\"]\n"),
              StartsWith("fellini.toml:3:3: "));
  EXPECT_THAT(complaint("mtu = \n"), StartsWith("fellini.toml:1:"));
  EXPECT_THAT(complaint("offer = [\"10.0.0.1/8\"]"), HasSubstr("10.0.0.0/8"));
}

TEST(PeerFile, SuggestsTheKeyThatWasMeant) {
  EXPECT_THAT(complaint("acept = []"), HasSubstr("did you mean 'accept'"));
  EXPECT_THAT(complaint("[section]\naccept = []"), HasSubstr("'section' is no key"));
}

TEST(PeerFile, RefusesValuesOfTheWrongKind) {
  for (const char* text : {"offer = 1",
                           "offer = [1]",
                           "offer = [[\"10.0.0.0/8\"]]",
                           "offer = {a = 1}",
                           "mtu = 1279",
                           "mtu = -1",
                           "path = \"udp\"",
                           "path = true",
                           "cipher = []",
                           "cipher = \"rot13\"",
                           "udp_port = 0",
                           "udp_port = 65536",
                           "mtu = 70000",
                           "mtu = \"1400\"",
                           "guard = \"no\"",
                           "guard = 0",
                           "hold = -1",
                           "hold = 1.5",
                           "hold = 99999999999",
                           "interface = \"../x\"",
                           "interface = \"eth0.1\"",
                           "interface = \"all\"",
                           "sudo_users = [\"a b\"]",
                           "sudo_users = [\"-x\"]",
                           "assign = [\"10.0.0.0/8\"]",
                           "assign = [\"127.0.0.1\"]",
                           "hosts = [\"ff02::1\"]",
                           "address = \"192.168.0.1\"",
                           "address = [\"1.1.1.1:1.1.1.2\", \"1.1.1.3:1.1.1.4\"]",
                           "offer = [\"$(id)\"]",
                           "accept = [\"10.0.0.0/8;\"]",
                           "offer = []\noffer = []"})
    complaint(text);
}

TEST(PeerFile, IsBoundedInSizeAndDepth) {
  EXPECT_THAT(complaint("#" + std::string(10'000'000, 'x')), HasSubstr("too long"));
  complaint("offer = " + std::string(20000, '['));
  std::string many = "offer = [";
  for (int i = 0; i < 300; ++i) many += "\"10.0.0.0/8\",";
  EXPECT_THAT(complaint(many + "]"), HasSubstr("too long"));
}

TEST(PeerFile, SurvivesHostileText) {
  for (const std::string& text :
       std::vector<std::string>{std::string{"a\0b", 3}, "\xff\xfe", "\x1b[2J = 1", "=", "[", "]]", "\"\"\"",
                                "a = 'x", "offer = \"\\u0000\""})
    EXPECT_EQ(complaint(text).find_first_of("\x1b\n"), std::string::npos);
}

// Undefined behaviour inside toml++ 3.3, found by fuzzing.
TEST(PeerFile, RefusesCharactersThatItsParserCannotClassify) {
  for (const char* text : {"mtu = 1400\noffer\xef\xb3\xbf = 1", "a\xc5\x8bo =0 ", "mtu = 1400 ü",
                           "offer = \xef\xb7\xb0", "offer = [\"ü\"]", "\xef\xbb\xbf\xef\xbb\xbf"})
    complaint(text);
}

TEST(PeerFile, RefusesANameOfATableThatIsNone) {
  EXPECT_THAT(complaint("mtu = 1400\n[?]\n"), HasSubstr("2"));
}

TEST(PeerFile, LetsCommentsBeInAnyScript) {
  const Result<PeerPolicy> policy =
      parse_peer_file("\xef\xbb\xbf# Köln – 東京\nmtu = 1400  # größer\n", "fellini");
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_EQ(policy->mtu, 1400);
}

TEST(SitePolicy, UnderstandsItsKeys) {
  const Result<SitePolicy> policy = parse_site_policy("deny = [\"10.0.0.0/8\"]\nadopt_root = false\n");
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_THAT(policy->deny, ElementsAre(*Prefix::parse("10.0.0.0/8")));
  EXPECT_FALSE(policy->adopt_root);
  EXPECT_TRUE(parse_site_policy("")->adopt_root);
  EXPECT_THAT(parse_site_policy("denny = []").error().message, StartsWith("policy.toml:1:1: "));
}

}  // namespace
}  // namespace isthmus::config
