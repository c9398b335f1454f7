#include "ppp/describe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "base/seeded_random.h"
#include "ppp/control_packet.h"

namespace isthmus::ppp {
namespace {

std::string described(std::uint16_t protocol, Code code, const Bytes& data) {
  Bytes information;
  append_control_packet(code, 1, data, information);
  return describe_frame(protocol, information);
}

TEST(Describe, NamesTheOptionsOfLcp) {
  const Bytes options{1, 4, 0x05, 0xdc, 2, 6, 0, 0, 0, 0, 5, 6, 0, 0, 0x1b, 0x2c, 7, 2, 8, 2};
  EXPECT_EQ(described(0xc021, Code::kConfigureRequest, options),
            "LCP Configure-Request id=1 <mru 1500> <asyncmap 0x0> <magic 0x1b2c> <pcomp> <accomp>");
}

TEST(Describe, NamesTheProtocolOfAnAuthenticationOption) {
  EXPECT_EQ(described(0xc021, Code::kConfigureNak, {3, 5, 0xc2, 0x23, 0x05}),
            "LCP Configure-Nak id=1 <auth CHAP 05>");
}

TEST(Describe, ShowsTheAddressesOfIpcp) {
  const Bytes options{2, 6, 0, 0x2d, 15, 1, 3, 6, 192, 168, 0, 1, 129, 6, 9, 9, 9, 9, 132, 6, 10, 0, 0, 1};
  EXPECT_EQ(
      described(0x8021, Code::kConfigureReject, options),
      "IPCP Configure-Reject id=1 <compression VJ-compressed 0f01> <address 192.168.0.1> <dns1 9.9.9.9> "
      "<wins2 10.0.0.1>");
}

TEST(Describe, ShowsTheInterfaceIdentifierOfIpv6cp) {
  EXPECT_EQ(described(0x8057, Code::kConfigureAck, {1, 10, 0x02, 0x11, 0x22, 0xff, 0xfe, 0x33, 0, 1}),
            "IPV6CP Configure-Ack id=1 <interface-id 211:22ff:fe33:1>");
}

TEST(Describe, NamesTheOptionsOfVsncpUnderOurOui) {
  EXPECT_EQ(described(0x805b, Code::kConfigureRequest, {0x02, 0x49, 0x53, 1, 6, 0, 0, 0, 1}),
            "VSNCP Configure-Request id=1 oui=024953 <version 0x1>");
}

TEST(Describe, DoesNotGuessAtTheOptionsOfAForeignOui) {
  EXPECT_EQ(described(0x805b, Code::kConfigureRequest, {0xcf, 0, 1, 1, 6, 0, 0, 0, 1}),
            "VSNCP Configure-Request id=1 oui=cf0001 <option 1 00000001>");
}

TEST(Describe, ShowsAnOptionOfWrongSizeInHexadecimal) {
  EXPECT_EQ(described(0xc021, Code::kConfigureRequest, {5, 3, 0xaa, 7, 3, 0xbb}),
            "LCP Configure-Request id=1 <option 5 aa> <option 7 bb>");
}

TEST(Describe, SaysThatOptionsAreMalformed) {
  EXPECT_EQ(described(0xc021, Code::kConfigureRequest, {5, 0}),
            "LCP Configure-Request id=1 malformed options 0500");
}

TEST(Describe, QuotesTextAndEscapesWhatATerminalWouldObey) {
  EXPECT_EQ(described(0xc021, Code::kTerminateRequest, {'b', 'y', 'e', 0x1b, '"', 0x9b, '\n'}),
            "LCP Terminate-Request id=1 \"bye\\x1b\\x22\\x9b\\x0a\"");
}

TEST(Describe, NamesWhatWasRejected) {
  EXPECT_EQ(described(0xc021, Code::kProtocolReject, {0x80, 0xfd, 1, 1, 0, 4}),
            "LCP Protocol-Reject id=1 of CCP len 4");
  EXPECT_EQ(described(0xc021, Code::kProtocolReject, {0x12, 0x35}),
            "LCP Protocol-Reject id=1 of protocol 0x1235 len 0");
  EXPECT_EQ(described(0xc021, Code::kCodeReject, {12, 9, 0, 8, 0, 0, 0, 0}),
            "LCP Code-Reject id=1 of Identification id=9");
}

TEST(Describe, ShowsMagicNumbers) {
  EXPECT_EQ(described(0xc021, Code::kEchoReply, {0xde, 0xad, 0xbe, 0xef, 1, 2}),
            "LCP Echo-Reply id=1 magic=0xdeadbeef len 2");
  EXPECT_EQ(described(0xc021, Code::kIdentification, {0, 0, 0, 1, 'h', 'i'}),
            "LCP Identification id=1 magic=0x1 \"hi\"");
  EXPECT_EQ(described(0xc021, Code::kTimeRemaining, {0, 0, 0, 1, 0, 0, 0, 60}),
            "LCP Time-Remaining id=1 magic=0x1 seconds=60");
}

TEST(Describe, ShowsCodesItDoesNotKnowAndPadding) {
  EXPECT_EQ(describe_frame(0x80fd, Bytes{14, 3, 0, 5, 0xaa, 0, 0}), "CCP code=14 id=3 aa padding 2");
}

TEST(Describe, SaysWhyAControlPacketIsMalformed) {
  EXPECT_EQ(describe_frame(0xc021, Bytes{1, 1, 0, 9}),
            "LCP malformed (control packet shorter than its Length) 01010009");
}

TEST(Describe, SummarisesIpv4) {
  const Bytes ping{0x45, 0, 0, 84, 0, 0, 0x40, 0, 64, 1, 0, 0, 193, 6, 35, 12, 193, 6, 37, 12, 8, 0};
  EXPECT_EQ(describe_frame(0x0021, ping), "IPv4 193.6.35.12 > 193.6.37.12 ICMP len 84");
}

TEST(Describe, SaysWhereAnIpv4FragmentBelongs) {
  const Bytes part{0x45, 0, 0x05, 0xdc, 0, 0, 0x20, 0xb9, 64, 200, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2};
  EXPECT_EQ(describe_frame(0x0021, part), "IPv4 10.0.0.1 > 10.0.0.2 proto 200 fragment at 1480 len 1500");
}

TEST(Describe, SummarisesIpv6) {
  Bytes packet{0x60, 0, 0, 0, 0, 20, 6, 64};
  packet.resize(40);
  packet[8] = 0xfd;
  packet[23] = 1;
  packet[24] = 0xfd;
  packet[39] = 2;
  EXPECT_EQ(describe_frame(0x0057, packet), "IPv6 fd00::1 > fd00::2 TCP len 60");
}

TEST(Describe, SaysThatAnIpHeaderIsMalformed) {
  EXPECT_EQ(describe_frame(0x0021, Bytes{0x45, 0}), "IPv4 malformed header 4500 len 2");
  EXPECT_EQ(describe_frame(0x0057, Bytes(40, 0x45)).substr(0, 21), "IPv6 malformed header");
}

TEST(Describe, ShowsNothingOfContentsThatMayBeSecret) {
  EXPECT_EQ(describe_frame(0x005b, Bytes(35, 0x61)), "VSNP len 35");
  EXPECT_EQ(describe_frame(0xc023, Bytes(12, 0x61)), "PAP len 12");
  EXPECT_EQ(describe_frame(0x1235, Bytes{0x61}), "protocol 0x1235 len 1");
}

TEST(Describe, CutsALongLine) {
  Bytes options;
  for (int i = 0; i < 300; ++i) append_option(2, Bytes{1, 2, 3, 4}, options);
  const std::string line = described(0xc021, Code::kConfigureRequest, options);
  EXPECT_EQ(line.size(), kMaxDescription);
  EXPECT_TRUE(line.ends_with("..."));
}

TEST(Describe, WritesABoundedPrintableLineWhateverItReads) {
  SeededRandom random{7};
  constexpr std::array<std::uint16_t, 8> kProtocols{0xc021, 0x8021, 0x8057, 0x805b,
                                                    0x80fd, 0x0021, 0x0057, 0xc223};
  for (int round = 0; round < 20'000; ++round) {
    Bytes information(random.u32() % 600);
    random.fill(information);
    if (information.size() > 4) {
      information[0] = static_cast<std::uint8_t>(random.u32() % 15);
      information[2] = 0;
    }
    const std::string line = describe_frame(kProtocols[random.u32() % kProtocols.size()], information);
    ASSERT_LE(line.size(), kMaxDescription);
    ASSERT_TRUE(std::ranges::all_of(line, [](char c) { return c >= 0x20 && c < 0x7f; })) << round;
  }
}

}  // namespace
}  // namespace isthmus::ppp
