#include "session/message.h"

#include <gtest/gtest.h>

#include <string>

#include "base/seeded_random.h"

namespace isthmus::session {
namespace {

Prefix prefix(const char* text) {
  return Prefix::parse(text).value();
}
IpAddress address(const char* text) {
  return IpAddress::parse(text).value();
}

Hello sample_hello() {
  Hello hello;
  hello.node.fill(0x11);
  hello.host.fill(0x22);
  hello.name = "fellini";
  hello.is_caller = true;
  hello.offers = {prefix("193.6.35.0/24"), prefix("2001:db8:35::/48")};
  hello.wants = {prefix("193.6.37.0/24"), prefix("0.0.0.0/0"), prefix("::/0"), prefix("10.1.2.3")};
  return hello;
}

ProofReport sample_proof() {
  ProofReport report;
  report.probes.push_back(
      {address("193.6.35.12"), address("193.6.37.12"), false, std::chrono::microseconds{1234}});
  report.probes.push_back({address("2001:db8::1"), address("2001:db8:1::9"), true, std::nullopt});
  report.remedies = {"forwarding is off: sysctl -w net.ipv4.conf.eth1.forwarding=1"};
  return report;
}

std::vector<Message> samples() {
  return {sample_hello(),
          Answer{{{prefix("193.6.35.0/24"), true, ""}, {prefix("10.0.0.0/8"), false, "not in accept"}}},
          Ready{{address("193.6.37.12"), address("fe80::1")}, {address("193.6.37.99")}},
          sample_proof(),
          PlanReport{{"route 193.6.37.0/24 dev isth0", ""}, true},
          Bye{Bye::Reason::kRefused, "add accept = [\"10.0.0.0/8\"]"}};
}

Result<Message> decode_hex(const std::string& hex) {
  Bytes octets;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    octets.push_back(static_cast<std::uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return decode(octets);
}

TEST(Message, ComesBackAsItWasSent) {
  for (const Message& message : samples()) {
    const Bytes octets = encode(message);
    ASSERT_LE(octets.size(), kMaxMessage);
    const Result<Message> back = decode(octets);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, message);
  }
}

TEST(Message, IsWrittenAsTheDocumentShows) {
  Bye bye;
  bye.reason = Bye::Reason::kSuperseded;
  bye.text = "gone";
  EXPECT_EQ(encode(bye),
            (Bytes{0x01, 0x06, 0x00, 0x0f, 0x0e, 0x00, 0x01, 0x03, 0x0f, 0x00, 0x04, 'g', 'o', 'n', 'e'}));
}

TEST(Message, ReadsTheWorkedExampleOfTheDocument) {
  const Result<Message> message = decode_hex(
      "01010048"
      "010010000102030405060708090a0b0c0d0e0f"
      "020010f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
      "03000766656c6c696e69"
      "04000101"
      "0500050418c10623"
      "0600050418c10625");
  ASSERT_TRUE(message) << message.error().message;
  const Hello& hello = std::get<Hello>(*message);
  EXPECT_EQ(hello.node[15], 0x0f);
  EXPECT_EQ(hello.host[0], 0xf0);
  EXPECT_EQ(hello.name, "fellini");
  EXPECT_TRUE(hello.is_caller);
  EXPECT_FALSE(hello.plan_only);
  EXPECT_EQ(hello.offers, std::vector{prefix("193.6.35.0/24")});
  EXPECT_EQ(hello.wants, std::vector{prefix("193.6.37.0/24")});
}

TEST(Message, SurvivesEveryTruncation) {
  for (const Message& message : samples()) {
    const Bytes whole = encode(message);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_FALSE(decode(part)) << size;
    }
  }
}

TEST(Message, SurvivesEveryChangeOfOneOctet) {
  for (const Message& message : samples()) {
    const Bytes whole = encode(message);
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (int value = 0; value < 256; ++value) {
        Bytes changed = whole;
        changed[at] = static_cast<std::uint8_t>(value);
        const Result<Message> back = decode(changed);
        // Every change is decoded; what decodes is encoded again for one in sixteen, to stay quick.
        if (!back || (at + static_cast<std::size_t>(value)) % 16 != 0) continue;
        EXPECT_TRUE(decode(encode(*back))) << at << ' ' << value;
      }
    }
  }
}

TEST(Message, IgnoresPaddingBehindItsLength) {
  Bytes octets = encode(Bye{});
  octets.insert(octets.end(), 40, 0xff);
  EXPECT_TRUE(decode(octets));
}

TEST(Message, SkipsFieldsOfLaterVersions) {
  for (const Message& message : samples()) {
    Bytes octets = encode(message);
    const Bytes unknown{200, 0, 3, 1, 2, 3};
    octets.insert(octets.begin() + 4, unknown.begin(), unknown.end());
    octets[2] = static_cast<std::uint8_t>((octets.size()) >> 8);
    octets[3] = static_cast<std::uint8_t>(octets.size());
    const Result<Message> back = decode(octets);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, message);
  }
}

TEST(Message, TellsALaterTypeOrVersionFromABrokenMessage) {
  EXPECT_EQ(decode_hex("01070004").error().code, Error::Code::kUnsupported);
  EXPECT_EQ(decode_hex("02010004").error().code, Error::Code::kUnsupported);
  EXPECT_EQ(decode_hex("01010005").error().code, Error::Code::kProtocol);
  EXPECT_EQ(decode_hex("").error().code, Error::Code::kProtocol);
}

TEST(Message, RefusesFieldsThatBreakTheirFormat) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"prefix family",
       "01020009"
       "07000201"
       "05"},
      {"prefix length 33",
       "0102000f"
       "07000801"
       "0421c106250080"},
      {"verdict 2",
       "0102000d"
       "07000602"
       "0418c10625"},
      {"host bits set",
       "0102000d"
       "07000601"
       "0417c10625"},
      {"address cut short",
       "0103000b"
       "08000404c10625"},
      {"address of family 5",
       "0103000c"
       "08000505c1062501"},
      {"field of a later version cut short",
       "01030008"
       "63000200"},
      {"reason 0",
       "01060008"
       "0e000100"},
      {"reason 5",
       "01060008"
       "0e000105"},
      {"no reason", "01060004"},
      {"a reason twice",
       "0106000c"
       "0e000101"
       "0e000102"},
      {"a text twice",
       "01060010"
       "0e000101"
       "0f000161"
       "0f000162"},
      {"octets in last",
       "01050008"
       "0d000100"},
      {"last twice",
       "0105000a"
       "0d0000"
       "0d0000"},
      {"hello without ids",
       "01010008"
       "04000101"},
  };
  for (const auto& [name, hex] : cases) {
    const Result<Message> message = decode_hex(hex);
    ASSERT_FALSE(message) << name;
    EXPECT_EQ(message.error().code, Error::Code::kProtocol) << name;
  }
}

TEST(Message, RefusesAnIdTwice) {
  const Result<Message> message = decode_hex(
      "0101002a"
      "010010000102030405060708090a0b0c0d0e0f"
      "010010000102030405060708090a0b0c0d0e0f");
  ASSERT_FALSE(message);
  EXPECT_NE(message.error().message.find("twice"), std::string::npos);
}

TEST(Message, RefusesMoreListEntriesThanItsLimit) {
  Bytes octets{0x01, 0x03, 0, 0};
  for (std::size_t i = 0; i <= kMaxTargets; ++i) octets.insert(octets.end(), {9, 0, 5, 4, 10, 0, 0, 1});
  octets[3] = static_cast<std::uint8_t>(octets.size());
  EXPECT_FALSE(decode(octets));
}

TEST(Message, CutsListsAndTextsSoThatItFits) {
  Answer answer;
  for (int i = 0; i < 50; ++i)
    answer.verdicts.push_back({prefix("2001:db8:1:2:3:4:5:6"), false, std::string(1000, 'x')});
  const Bytes octets = encode(answer);
  EXPECT_LE(octets.size(), kMaxMessage);
  const Answer back = std::get<Answer>(decode(octets).value());
  ASSERT_EQ(back.verdicts.size(), kMaxPrefixes);
  EXPECT_GE(back.verdicts[0].reason.size(), 18U);
}

TEST(Message, FitsWithTheLongestListsOfEveryKind) {
  Hello hello = sample_hello();
  hello.name = std::string(200, 'n');
  hello.offers.assign(40, prefix("2001:db8:1:2:3:4:5:6"));
  hello.wants = hello.offers;
  ProofReport proof;
  proof.probes.assign(40, {address("2001:db8::1"), address("2001:db8::2"), true, std::chrono::hours{99}});
  proof.remedies.assign(40, std::string(1000, 'r'));
  PlanReport plan;
  plan.lines.assign(200, std::string(1000, 'l'));
  for (const Message& message : {Message{hello}, Message{proof}, Message{plan}}) {
    for (const std::size_t most : {kMaxMessage, kLeastMessage}) {
      const Bytes octets = encode(message, most);
      EXPECT_LE(octets.size(), most);
      EXPECT_TRUE(decode(octets));
    }
  }
}

TEST(Message, LeavesOutTheLastWantsOfAHelloThatIsTooLongForThePeer) {
  Hello hello = sample_hello();
  hello.offers.assign(kMaxPrefixes, prefix("2001:db8:1:2:3:4:5:6"));
  hello.wants = hello.offers;
  const Hello whole = std::get<Hello>(decode(encode(hello)).value());
  EXPECT_EQ(whole.wants.size(), kMaxPrefixes);
  const Hello cut = std::get<Hello>(decode(encode(hello, kLeastMessage)).value());
  EXPECT_EQ(cut.offers.size(), kMaxPrefixes);
  EXPECT_EQ(cut.wants.size(), 26U);
}

TEST(Message, MakesAPeersTextHarmless) {
  const Result<Message> message = decode_hex(
      "0106000e"
      "0e000101"
      "0f00031b5b4a");
  ASSERT_TRUE(message);
  EXPECT_EQ(std::get<Bye>(*message).text, "?[J");
}

TEST(Message, SplitsAPlanIntoAsManyReportsAsItNeeds) {
  std::vector<std::string> lines(150, std::string(100, 'p'));
  lines[3].clear();
  std::vector<std::string> received;
  const std::vector<PlanReport> reports = plan_reports(lines);
  for (const PlanReport& report : reports) {
    const PlanReport back = std::get<PlanReport>(decode(encode(report)).value());
    EXPECT_EQ(back, report);
    EXPECT_EQ(back.is_last, &report == &reports.back());
    received.insert(received.end(), back.lines.begin(), back.lines.end());
  }
  EXPECT_EQ(received, lines);
  EXPECT_TRUE(plan_reports({}).front().is_last);
  for (const PlanReport& report : plan_reports(lines, 1280)) EXPECT_LE(encode(report).size(), 1280U);
}

TEST(Message, SurvivesRandomOctets) {
  SeededRandom random{20261122};
  for (int round = 0; round < 20000; ++round) {
    Bytes octets(round % 200U);
    random.fill(octets);
    if (octets.size() >= 4) {
      octets[0] = 1;
      octets[1] = static_cast<std::uint8_t>(1 + octets[1] % 6);
      octets[2] = 0;
      octets[3] = static_cast<std::uint8_t>(octets.size());
    }
    const Result<Message> message = decode(octets);
    if (!message) continue;
    EXPECT_LE(encode(*message).size(), kMaxMessage);
  }
}

}  // namespace
}  // namespace isthmus::session
