#include "io/thread_schedule.h"

#include <gtest/gtest.h>

#include <thread>

namespace isthmus::io {
namespace {

// What the thread sees of itself; nothing of it is for the thread that waits.
template <typename Act>
void in_a_thread(Act act) {
  std::thread{act}.join();
}

TEST(ThreadSchedule, GivesAThreadANicenessOfItsOwn) {
  const int own = thread_niceness();
  in_a_thread([&] {
    EXPECT_TRUE(set_thread_niceness(19));  // to be nicer is anybody's right
    EXPECT_EQ(thread_niceness(), 19);
  });
  EXPECT_EQ(thread_niceness(), own);
}

TEST(ThreadSchedule, GivesAThreadASliceOfItsOwn) {
  const Duration own = thread_slice();
  if (own == Duration{}) GTEST_SKIP() << "this kernel has one slice for all threads (Linux before 6.12)";
  in_a_thread([] {
    set_thread_niceness(7);
    set_thread_slice(std::chrono::microseconds{700});
    EXPECT_EQ(thread_slice(), std::chrono::microseconds{700});
    EXPECT_EQ(thread_niceness(), 7);
  });
  EXPECT_EQ(thread_slice(), own);
}

}  // namespace
}  // namespace isthmus::io
