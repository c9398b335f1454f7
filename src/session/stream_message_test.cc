#include "session/stream_message.h"

#include <gtest/gtest.h>

namespace isthmus::session {
namespace {

Bytes message_of(std::uint16_t segment_size, ConstBytes packet) {
  const auto header = super_packet_header(segment_size);
  Bytes message(header.begin(), header.end());
  message.insert(message.end(), packet.begin(), packet.end());
  return message;
}

TEST(StreamMessage, PutsTheSegmentSizeBeforeASuperPacket) {
  EXPECT_EQ(message_of(1448, Bytes{0x45, 0xaa}), (Bytes{0x01, 0x07, 0x05, 0xa8, 0x45, 0xaa}));
}

TEST(StreamMessage, FindsThePacketInASuperPacketMessage) {
  const Bytes message = message_of(0xfffe, Bytes{0x60, 1, 2});
  const std::optional<Packet> packet = parse_super_packet(message);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->segment_size, 0xfffe);
  EXPECT_EQ(Bytes(packet->octets.begin(), packet->octets.end()), (Bytes{0x60, 1, 2}));
}

TEST(StreamMessage, TakesNothingElseForASuperPacket) {
  EXPECT_FALSE(parse_super_packet(Bytes{}));
  EXPECT_FALSE(parse_super_packet(Bytes{1, 7, 5, 0xa8}));        // no packet
  EXPECT_FALSE(parse_super_packet(Bytes{2, 7, 5, 0xa8, 0x45}));  // another version
  EXPECT_FALSE(parse_super_packet(Bytes{1, 6, 5, 0xa8, 0x45}));  // a Bye
  EXPECT_FALSE(parse_super_packet(Bytes{1, 7, 0, 0, 0x45}));     // segments of nothing
}

TEST(StreamMessage, ReportsOctetByOctetAsThePageSays) {
  const auto octets = encode(ReceiveReport{.sent = 0x0102030405060708, .received = 0x1112131415161718});
  EXPECT_EQ(Bytes(octets.begin(), octets.end()),
            (Bytes{0x01, 0x08, 0x00, 0x14, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06,
                   0x07, 0x08, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18}));
  EXPECT_EQ(parse_receive_report(octets), (ReceiveReport{0x0102030405060708, 0x1112131415161718}));
}

TEST(StreamMessage, TakesNoReportThatIsShortOrSaysSo) {
  const auto whole = encode(ReceiveReport{1, 2});
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse_receive_report(ConstBytes{whole}.first(size))) << size;
  auto short_by_word = whole;
  short_by_word[3] = 19;
  EXPECT_FALSE(parse_receive_report(short_by_word));
}

TEST(StreamMessage, TakesALongerReportOfALaterEndAndItsPadding) {
  Bytes longer(32);
  const auto whole = encode(ReceiveReport{3, 4});
  std::copy(whole.begin(), whole.end(), longer.begin());
  longer[3] = 28;
  EXPECT_EQ(parse_receive_report(longer), (ReceiveReport{3, 4}));
}

}  // namespace
}  // namespace isthmus::session
