#include "base/byte_reader.h"

#include <gtest/gtest.h>

#include <array>

#include "base/byte_writer.h"

namespace isthmus {
namespace {

TEST(ByteReader, ReadsWhatByteWriterWrote) {
  Bytes octets;
  ByteWriter out{octets};
  out.u8(1);
  out.u16(0x0203);
  out.u32(0x04050607);
  out.u64(0x08090a0b0c0d0e0f);

  ByteReader in{octets};
  EXPECT_EQ(in.u8(), 1);
  EXPECT_EQ(in.u16(), 0x0203);
  EXPECT_EQ(in.u32(), 0x04050607U);
  EXPECT_EQ(in.u64(), 0x08090a0b0c0d0e0fU);
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(in.remaining(), 0U);
}

TEST(ByteReader, FailsStickyPastTheEnd) {
  const std::array<std::uint8_t, 3> octets{1, 2, 3};
  ByteReader in{octets};
  EXPECT_EQ(in.u32(), 0U);
  EXPECT_EQ(in.u8(), 0U);
  EXPECT_FALSE(in.ok());
}

}  // namespace
}  // namespace isthmus
