// Peers nobody here wrote, and what a Link tells about a peer.
#include <gtest/gtest.h>

#include "ppp/link_pair.h"
#include "ppp/link_solo.h"

namespace isthmus::ppp {
namespace {

using namespace std::chrono_literals;
using test::find;
using test::Pair;
using test::Solo;

Bytes octets_of_hex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  Bytes out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<std::uint8_t>(digit(hex[i]) << 4 | digit(hex[i + 1])));
  return out;
}

// --- peers that are not ours

TEST(Link, KeepsIpUpWithAPeerThatDoesNotKnowVsncp) {
  LinkOptions stock = test::called_options();
  stock.vsncp = false;
  Pair pair(test::caller_options(), stock);
  pair.up();
  EXPECT_EQ(pair.a.count<Ipv4Up>(), 1U);
  EXPECT_EQ(pair.a.count<Ipv6Up>(), 1U);
  EXPECT_EQ(pair.a.last<ProtocolUnavailable>()->protocol, Protocol::kVsncp);
  EXPECT_FALSE(pair.a.link.send_vsnp(pair.now, bytes_of("x")));
  pair.run(2min);
  EXPECT_FALSE(pair.a.end());
  EXPECT_EQ(pair.a.count<ProtocolUnavailable>(), 1U);
}

TEST(Link, AnswersStockPppdsFirstBurst) {
  Solo solo;
  solo.up();
  solo.ack(solo.sent());
  // pppd's own octets: asyncmap 0, a magic number, both compressions.
  solo.link.receive(
      solo.now,
      octets_of_hex("7eff7d23c0217d217d217d207d347d227d267d207d207d207d207d257d26b6924f9a7d277d227d2"
                    "87d227d5e637e"),
      solo);
  ASSERT_EQ(solo.count<LcpUp>(), 1U) << solo.said();
  solo.sent();

  solo.feed(Protocol::kLcp, Code::kEchoRequest, 0, Bytes{0xb6, 0x92, 0x4f, 0x9a});
  solo.feed(0x80fd, Bytes{1, 1, 0, 0x0f, 0x1a, 4, 0x78, 0, 0x18, 4, 0x78, 0, 0x15, 3, 0x2f});
  solo.feed(Protocol::kIpcp, Code::kConfigureRequest, 1, Bytes{2, 6, 0, 0x2d, 0x0f, 1, 3, 6, 193, 6, 37, 12});
  solo.feed(Protocol::kIpv6cp, Code::kConfigureRequest, 1, Bytes{1, 10, 1, 2, 3, 4, 5, 6, 7, 8});
  const auto frames = solo.sent();
  EXPECT_TRUE(find(frames, Protocol::kLcp, Code::kEchoReply));
  const auto ccp = find(frames, Protocol::kLcp, Code::kProtocolReject);
  ASSERT_TRUE(ccp);
  EXPECT_EQ(ccp->data[0] << 8 | ccp->data[1], 0x80fd);
  EXPECT_EQ(find(frames, Protocol::kIpcp, Code::kConfigureReject)->data, (Bytes{2, 6, 0, 0x2d, 0x0f, 1}));
  EXPECT_TRUE(find(frames, Protocol::kIpv6cp, Code::kConfigureAck));
}

TEST(Link, KeepsTheTextOfTheLoginApart) {
  Solo solo;
  solo.up();
  Bytes stream(bytes_of("Welcome to polanski!\r\n").begin(), bytes_of("Welcome to polanski!\r\n").end());
  const Bytes request{1, 1, 0, 4};
  solo.link.receive(solo.now, stream, solo);
  EXPECT_FALSE(solo.link.heard_peer());
  solo.feed(Protocol::kLcp, request);
  EXPECT_TRUE(solo.link.heard_peer());
  EXPECT_EQ(solo.link.text_before_stream(), "Welcome to polanski!\r\n");
  EXPECT_EQ(solo.link.counters().octets_before_first_frame, stream.size());
}

TEST(Link, TellsWhoThePeerIsOnce) {
  LinkOptions named = test::called_options();
  named.identification = "isthmus 0.1.0\n\x1b[31m";
  Pair pair(test::caller_options(), named);
  pair.up();
  pair.b.link.renegotiate(pair.now);
  pair.exchange();
  const std::string said = pair.a.said();
  EXPECT_NE(said.find("the peer says it is isthmus 0.1.0..[31m"), std::string::npos) << said;
  EXPECT_EQ(said.find("says it is"), said.rfind("says it is"));
}

TEST(Link, NotesEveryOptionNegotiatedInWords) {
  Pair pair;
  pair.up();
  const std::string said = pair.a.said();
  for (const char* words :
       {"LCP: we ask for escaped control characters 0x00000000", "protocol field compression",
        "IPCP: the peer asks for address 193.6.37.12", "IPV6CP: we ask for interface identifier",
        "VSNCP: the peer agrees to what we asked"}) {
    EXPECT_NE(said.find(words), std::string::npos) << words << "\nin\n" << said;
  }
}

TEST(Link, TracesFramesOnlyWhenAsked) {
  Pair pair;
  pair.a.link.trace_frames(true);
  pair.up();
  EXPECT_EQ(pair.a.count<FrameTrace>(),
            pair.a.link.counters().frames_sent + pair.a.link.counters().frames_received);
  EXPECT_EQ(pair.b.count<FrameTrace>(), 0U);
}

}  // namespace
}  // namespace isthmus::ppp
