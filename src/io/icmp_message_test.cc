#include "io/icmp_message.h"

#include <gtest/gtest.h>

namespace isthmus::io {
namespace {

constexpr EchoNumbers kNumbers{0x1234, 7};

Bytes ipv4_around(const Bytes& payload, std::uint8_t protocol = 1) {
  Bytes packet(20, 0);
  packet[0] = 0x45;
  packet[9] = protocol;
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

Bytes ipv6_around(const Bytes& payload) {
  Bytes packet(40, 0);
  packet[0] = 0x60;
  packet[6] = 58;
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

Bytes error_about(const Bytes& quoted, std::uint8_t type, std::uint8_t code) {
  Bytes message{type, code, 0, 0, 0, 0, 0, 0};
  message.insert(message.end(), quoted.begin(), quoted.end());
  return message;
}

TEST(IcmpMessage, SumsToOnesWithItsChecksum) {
  const Bytes request = encode_echo_request(Family::kIpv4, kNumbers);
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < request.size(); i += 2)
    sum += (std::uint32_t{request[i]} << 8U) + request[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  EXPECT_EQ(sum, 0xffffU);
}

TEST(IcmpMessage, KnowsTheReplyToItsRequest) {
  Bytes reply4 = encode_echo_request(Family::kIpv4, kNumbers);
  reply4[0] = 0;
  EXPECT_EQ(parse_icmp(Family::kIpv4, ipv4_around(reply4)).reply->numbers, kNumbers);
  Bytes reply6 = encode_echo_request(Family::kIpv6, kNumbers);
  reply6[0] = 129;
  EXPECT_EQ(parse_icmp(Family::kIpv6, reply6).reply->numbers, kNumbers);
}

TEST(IcmpMessage, SaysWhyARequestWasRefused) {
  const Bytes quoted4 = ipv4_around(encode_echo_request(Family::kIpv4, kNumbers));
  const auto answer4 = parse_icmp(Family::kIpv4, ipv4_around(error_about(quoted4, 3, 13)));
  ASSERT_TRUE(answer4.refusal);
  EXPECT_EQ(answer4.refusal->numbers, kNumbers);
  EXPECT_EQ(answer4.refusal->reason, "prohibited by a firewall");
  const Bytes quoted6 = ipv6_around(encode_echo_request(Family::kIpv6, kNumbers));
  const auto answer6 = parse_icmp(Family::kIpv6, error_about(quoted6, 1, 0));
  ASSERT_TRUE(answer6.refusal);
  EXPECT_EQ(answer6.refusal->reason, "no route to it");
}

TEST(IcmpMessage, IsNotMistakenAboutOtherTraffic) {
  const Bytes request = encode_echo_request(Family::kIpv4, kNumbers);
  const auto is_nothing = [](const IcmpAnswer& answer) { return !answer.reply && !answer.refusal; };
  EXPECT_TRUE(is_nothing(parse_icmp(Family::kIpv4, ipv4_around(request))));
  EXPECT_TRUE(is_nothing(parse_icmp(Family::kIpv4, ipv4_around(request, 17))));
  EXPECT_TRUE(
      is_nothing(parse_icmp(Family::kIpv4, ipv4_around(error_about(ipv4_around(request, 17), 3, 1)))));
}

TEST(IcmpMessage, SurvivesEveryCut) {
  const Bytes quoted = ipv4_around(encode_echo_request(Family::kIpv4, kNumbers));
  const Bytes packet = ipv4_around(error_about(quoted, 3, 1));
  for (std::size_t length = 0; length < 20 + 8 + 20 + 8; ++length) {
    const auto answer = parse_icmp(Family::kIpv4, ConstBytes{packet}.first(length));
    EXPECT_FALSE(answer.reply || answer.refusal) << length;
  }
}

}  // namespace
}  // namespace isthmus::io
