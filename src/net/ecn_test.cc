#include "net/ecn.h"

#include <gtest/gtest.h>

#include "net/test_packets.h"

namespace isthmus {
namespace {

using test::packet_of;

Bytes packet_with(int version, int traffic_class, std::uint16_t identification = 7) {
  test::Parts parts;
  parts.version = version;
  parts.tos = traffic_class;
  parts.identification = identification;
  parts.payload = Bytes(24, 1);
  return packet_of(parts);
}

TEST(Ecn, ReadsTheTrafficClassOfBothVersions) {
  for (const int version : {4, 6}) {
    for (int value = 0; value < 256; ++value)
      ASSERT_EQ(traffic_class_of(packet_with(version, value)), value) << version;
  }
}

TEST(Ecn, WritesOneCodePointOverAnotherAndNothingElse) {
  for (const int version : {4, 6}) {
    for (int before = 0; before < 256; ++before) {
      for (int after = 0; after < 4; ++after) {
        Bytes packet = packet_with(version, before);
        set_ecn(packet, static_cast<Ecn>(after));
        ASSERT_EQ(packet, packet_with(version, (before & 0xfc) | after)) << version << " " << before;
      }
    }
  }
}

TEST(Ecn, KeepsTheHeaderChecksumRight) {
  for (int ecn = 1; ecn <= 3; ++ecn) {
    for (unsigned id = 0; id < 65536; id += 17) {
      Bytes packet = packet_with(4, ecn, static_cast<std::uint16_t>(id));
      ASSERT_TRUE(mark_congestion(packet));
      ASSERT_EQ(test::slow_sum(ConstBytes{packet}.first(20)), 0xffffU) << id;
    }
  }
}

TEST(Ecn, MarksWhoUnderstandsItAndNobodyElse) {
  for (const int version : {4, 6}) {
    for (int ecn = 0; ecn <= 3; ++ecn) {
      Bytes packet = packet_with(version, ecn);
      EXPECT_EQ(mark_congestion(packet), ecn != 0);
      EXPECT_EQ(packet, packet_with(version, ecn == 0 ? 0 : 3));
    }
  }
}

TEST(Ecn, LeavesWhatIsNoIpPacketAlone) {
  for (const Bytes& octets : {Bytes(64, 0xff), Bytes(19, 0x45), Bytes{}}) {
    Bytes packet = octets;
    EXPECT_FALSE(mark_congestion(packet));
    set_ecn(packet, Ecn::kEct0);
    EXPECT_EQ(packet, octets);
    EXPECT_EQ(traffic_class_of(packet), 0);
  }
}

}  // namespace
}  // namespace isthmus
