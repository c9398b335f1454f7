#include "esp/esp_format.h"

#include <gtest/gtest.h>

#include "esp/test_sas.h"

namespace isthmus::esp {
namespace {

using namespace test;

TEST(EspFormat, RoundsUpToWholeWordsAndNoFurther) {
  for (std::size_t text = 0; text < 3000; ++text) {
    ASSERT_EQ(sealed_size(text) % 4, 0U);
    ASSERT_GE(sealed_size(text), text + 34);
    ASSERT_LE(sealed_size(text), text + 37);
    ASSERT_EQ(opened_size(sealed_size(text)), sealed_size(text) - 32);
  }
  EXPECT_EQ(sealed_size(0), kMinPacket);
  EXPECT_EQ(opened_size(kMinPacket - 1), 0U);
}

TEST(EspFormat, WritesItsFieldsWhereTheFormatHasThem) {
  const SaCipher cipher = cipher_of(parameters(0x1234));
  Bytes room = with_room(Bytes(3, 9));
  Bytes out(sealed_size(3) + 4, 0xee);
  seal_packet(cipher,
              {.spi = Spi{0x01020304}, .sequence = SequenceNumber{0xaabbccdd11121314}, .is_esn = true},
              {.room = room, .next_header = 41, .iv = 0x2122232425262728}, out);
  EXPECT_EQ(Bytes(out.begin(), out.begin() + 16),
            (Bytes{1, 2, 3, 4, 0x11, 0x12, 0x13, 0x14, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28}));
  EXPECT_EQ(Bytes(out.end() - 4, out.end()), Bytes(4, 0xee));

  const auto head = parse_head(ConstBytes{out}.first(sealed_size(3)));
  ASSERT_TRUE(head);
  EXPECT_EQ(head->spi, Spi{0x01020304});
  EXPECT_EQ(head->sequence, 0x11121314U);
}

TEST(EspFormat, RefusesLengthsThatNoPacketHas) {
  for (std::size_t size = 0; size < 64; ++size) {
    const bool is_possible = size >= kMinPacket && size % 4 == 0;
    const auto head = parse_head(Bytes(size, 1));
    ASSERT_EQ(head.has_value(), is_possible) << size;
    if (!is_possible) {
      ASSERT_EQ(head.error(), Drop::kBadLength);
    }
  }
}

TEST(EspFormat, SealsInPlace) {
  const SaCipher cipher = cipher_of(parameters(0x1234));
  Bytes room = with_room(random_octets(1400, 3));
  const PacketLabel label{.spi = Spi{500}, .sequence = SequenceNumber{9}};
  Bytes apart(sealed_size(1400));
  seal_packet(cipher, label, {.room = room, .iv = 9}, apart);
  Bytes in_place(sealed_size(1400));
  std::ranges::copy(room, in_place.begin() + kHeaderSize);
  seal_packet(cipher, label, {.room = MutableBytes{in_place}.subspan(kHeaderSize, room.size()), .iv = 9},
              in_place);
  EXPECT_EQ(in_place, apart);
}

TEST(EspFormat, LeavesTextAndRoomAsTheyWere) {
  const SaCipher cipher = cipher_of(parameters(0x1234));
  for (std::size_t size = 0; size < 70; ++size) {
    Bytes room = with_room(random_octets(size, 3));
    const Bytes before = room;
    Bytes out(sealed_size(size));
    seal_packet(cipher, {.spi = Spi{500}, .sequence = SequenceNumber{9}}, {.room = room, .iv = 9}, out);
    ASSERT_EQ(room, before);
  }
}

// RFC 4303 section 2.4: the receiver inspects the padding.
TEST(EspFormat, StripsPaddingThatCountsUpAndNoOther) {
  Bytes good{7, 8, 1, 2, 3, 3, 4};
  const auto stripped = strip_trailer(good);
  ASSERT_TRUE(stripped);
  EXPECT_EQ(Bytes(stripped->text.begin(), stripped->text.end()), (Bytes{7, 8}));
  EXPECT_EQ(stripped->next_header, 4);

  for (std::size_t at = 2; at < 5; ++at) {
    Bytes bad{7, 8, 1, 2, 3, 3, 4};
    bad[at] = 0;
    EXPECT_EQ(strip_trailer(bad).error(), Drop::kBadTrailer) << at;
  }
}

TEST(EspFormat, RefusesPaddingLongerThanThePacket) {
  Bytes all{1, 2, 2, 59};
  EXPECT_TRUE(strip_trailer(all));
  EXPECT_TRUE(strip_trailer(all)->text.empty());
  all[2] = 3;
  EXPECT_EQ(strip_trailer(all).error(), Drop::kBadTrailer);
  // What lies before the packet is not its padding, even if it looks like it.
  Bytes amid{1, 2, 3, 3, 59};
  EXPECT_EQ(strip_trailer(MutableBytes{amid}.subspan(1)).error(), Drop::kBadTrailer);
  Bytes longest;
  for (int i = 1; i <= 255; ++i) longest.push_back(static_cast<std::uint8_t>(i));
  longest.insert(longest.end(), {255, 41});
  EXPECT_TRUE(strip_trailer(longest));
}

}  // namespace
}  // namespace isthmus::esp
