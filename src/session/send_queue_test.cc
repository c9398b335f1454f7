#include "session/send_queue.h"

#include <gtest/gtest.h>

#include "net/test_packets.h"

namespace isthmus::session {
namespace {

constexpr Instant kNow{std::chrono::hours{1}};
constexpr std::size_t kSegment = 1000;

class SendQueueTest : public testing::Test {
 protected:
  void put(const std::vector<Bytes>& packets, std::size_t longest) {
    for (const Bytes& packet : packets) queue_.enqueue(kNow, {packet}, longest);
    queue_.end_turn(kNow, longest);
  }
  // The segment size of each packet that waits.
  std::vector<std::uint16_t> taken() {
    std::vector<std::uint16_t> sizes;
    while (const auto packet = queue_.dequeue(kNow)) sizes.push_back(packet->segment_size);
    return sizes;
  }

  test::Parts parts_{.payload = test::random_octets(4 * kSegment, 1)};
  std::vector<Bytes> train_ = test::train_of(parts_, kSegment);
  SendQueue queue_{7};
};

TEST_F(SendQueueTest, MergesWhatOneTurnBrings) {
  put(train_, kMaxPacket);
  EXPECT_EQ(taken(), std::vector<std::uint16_t>{kSegment});
}

TEST_F(SendQueueTest, MergesNothingOfTwoTurns) {
  put({train_[0]}, kMaxPacket);
  put({train_[1]}, kMaxPacket);
  EXPECT_EQ(taken(), std::vector<std::uint16_t>(2, 0));
}

TEST_F(SendQueueTest, MergesNothingWhereTheStreamIsSlow) {
  put(train_, 5 * kSegment);
  EXPECT_EQ(taken(), std::vector<std::uint16_t>(4, 0));
}

TEST_F(SendQueueTest, CutsWhatIsLongerThanTheStreamShouldBeGivenAtOnce) {
  const Bytes super = test::packet_of(parts_);
  queue_.enqueue(kNow, {super, kSegment}, 3 * kSegment);
  EXPECT_EQ(taken(), std::vector<std::uint16_t>(2, kSegment));
}

TEST_F(SendQueueTest, CutsASuperPacketUpWhereThereMayBeNone) {
  const Bytes super = test::packet_of(parts_);
  queue_.enqueue(kNow, {super, kSegment}, 0);
  EXPECT_EQ(taken(), std::vector<std::uint16_t>(4, 0));
}

TEST_F(SendQueueTest, DropsAndCountsWhatSaysToBeASuperPacketAndIsNone) {
  queue_.enqueue(kNow, {Bytes(4000), kSegment}, 3 * kSegment);
  EXPECT_EQ(queue_.dropped(), 1U);
  EXPECT_TRUE(taken().empty());
}

TEST_F(SendQueueTest, ForgetsAlsoWhatWaitsToBeMerged) {
  queue_.enqueue(kNow, {train_[0]}, kMaxPacket);
  queue_.clear();
  queue_.end_turn(kNow, kMaxPacket);
  EXPECT_TRUE(taken().empty());
  EXPECT_EQ(queue_.octets(), 0U);
}

}  // namespace
}  // namespace isthmus::session
