// RFC 3772: VSNCP under our OUI on the wire, octet by octet as docs/protocol/ppp-over-ssh.md has it, and its
// rules.
#include <gtest/gtest.h>

#include <algorithm>

#include "ppp/link_solo.h"
#include "ppp/vsncp.h"

namespace isthmus::ppp {
namespace {

using test::find;
using test::Solo;

// LCP Opened with a peer that asks for asyncmap 0 and both compressions; what the Link then sends.
Bytes opened(Solo& solo) {
  solo.up();
  solo.ack(solo.sent());
  solo.feed(Protocol::kLcp, Code::kConfigureRequest, 1, Bytes{2, 6, 0, 0, 0, 0, 7, 2, 8, 2});
  return solo.link.take_octets();
}

TEST(Rfc3772Section21, AConfigureRequestHasTheOctetsOfTheDocument) {
  const Bytes frame{0x7e, 0x80, 0x5b,                    // flag, protocol
                    0x01, 0x01, 0x00, 0x13,              // Configure-Request, identifier 1, Length 19
                    0x02, 0x49, 0x53,                    // OUI
                    0x01, 0x06, 0x00, 0x00, 0x00, 0x01,  // version 1
                    0x02, 0x06, 0x00, 0x00, 0x00, 0x03,  // capabilities
                    0x8f, 0x98, 0x7e};                   // FCS, flag
  LinkOptions options = test::caller_options();
  options.vsncp_capabilities = kSuperPackets | kReceiveReports;
  Solo solo{options};
  const Bytes stream = opened(solo);
  EXPECT_FALSE(std::ranges::search(stream, frame).empty());
}

TEST(Rfc3772Section21, EveryCodeCarriesTheOui) {
  Solo solo;
  opened(solo);
  const Bytes oui{0x02, 0x49, 0x53};
  solo.feed(Protocol::kVsncp, Code::kTerminateRequest, 9, oui);
  EXPECT_EQ(find(solo.sent(), Protocol::kVsncp, Code::kTerminateAck)->data, oui);
  solo.feed(Protocol::kVsncp, Bytes{12, 9, 0, 7, 0x02, 0x49, 0x53});
  EXPECT_EQ(find(solo.sent(), Protocol::kVsncp, Code::kCodeReject)->data,
            (Bytes{0x02, 0x49, 0x53, 12, 9, 0, 7, 0x02, 0x49, 0x53}));
}

TEST(Rfc3772Section2, AnUnrecognizedOuiGetsALcpProtocolReject) {
  Solo solo;
  opened(solo);
  solo.feed(Protocol::kVsncp, Bytes{1, 1, 0, 7, 0xcf, 0x00, 0x01});
  EXPECT_EQ(find(solo.sent(), Protocol::kLcp, Code::kProtocolReject)->data,
            (Bytes{0x80, 0x5b, 1, 1, 0, 7, 0xcf, 0x00, 0x01}));
  EXPECT_EQ(solo.count<ProtocolUnavailable>(), 0U);
}

TEST(Rfc3772Section2, VsncpBeforeTheNetworkPhaseIsIgnored) {
  Solo solo;
  solo.up();
  solo.sent();
  solo.feed(Protocol::kVsncp, Bytes{1, 1, 0, 7, 0x02, 0x49, 0x53});
  solo.feed(Protocol::kVsncp, Bytes{1, 1, 0, 7, 0xcf, 0x00, 0x01});
  EXPECT_TRUE(solo.sent().empty());
}

TEST(Rfc3772Section2, APacketTooShortForAnOuiIsDiscarded) {
  Solo solo;
  opened(solo);
  solo.feed(Protocol::kVsncp, Bytes{1, 1, 0, 6, 0x02, 0x49});
  EXPECT_TRUE(solo.sent().empty());
}

TEST(Rfc3772Section22, VsnpIsSentOnlyWhileVsncpIsOpened) {
  Solo solo;
  opened(solo);
  EXPECT_FALSE(solo.link.send_vsnp(solo.now, bytes_of("early")));
}

}  // namespace
}  // namespace isthmus::ppp
