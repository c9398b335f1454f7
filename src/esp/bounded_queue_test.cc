#include "esp/bounded_queue.h"

#include <gtest/gtest.h>

namespace isthmus::esp {
namespace {

TEST(BoundedQueue, GivesTheOldestFirstAcrossItsEnd) {
  BoundedQueue<int, 3> queue;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(queue.push(i));
    ASSERT_TRUE(queue.push(-i));
    ASSERT_EQ(queue.take(), i);
    ASSERT_EQ(queue.take(), -i);
  }
  EXPECT_EQ(queue.take(), std::nullopt);
}

TEST(BoundedQueue, RefusesWhatDoesNotFit) {
  BoundedQueue<int, 2> queue;
  EXPECT_TRUE(queue.push(1));
  EXPECT_TRUE(queue.push(2));
  EXPECT_FALSE(queue.push(3));
  EXPECT_EQ(queue.take(), 1);
  EXPECT_TRUE(queue.push(4));
  EXPECT_EQ(queue.take(), 2);
  EXPECT_EQ(queue.take(), 4);
}

}  // namespace
}  // namespace isthmus::esp
