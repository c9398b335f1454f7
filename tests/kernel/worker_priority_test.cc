// How the scheduler sees a worker.
#include <gtest/gtest.h>
#include <sys/types.h>

#include <filesystem>
#include <set>
#include <string>
#include <thread>

#include "io/thread_schedule.h"
#include "kernel/joined_workers.h"

namespace isthmus::dataplane {
namespace {

std::set<pid_t> threads() {
  std::set<pid_t> all;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/task"})
    all.insert(std::stoi(entry.path().filename().string()));
  return all;
}

bool may_raise_priority() {
  bool may = false;
  std::thread{[&] { may = io::set_thread_niceness(Worker::kNice); }}.join();
  return may;
}

class WorkerPriorityTest : public JoinedWorkers {
 protected:
  // The threads of two workers at each end.
  std::set<pid_t> begin() {
    const std::set<pid_t> before = threads();
    join({.workers = 2});
    report();  // each has begun
    std::set<pid_t> begun = threads();
    for (const pid_t thread : before) begun.erase(thread);
    EXPECT_EQ(begun.size(), 4U);
    return begun;
  }
};

TEST_F(WorkerPriorityTest, IsHighAndNobodyElsesIs) {
  if (!may_raise_priority()) GTEST_SKIP() << "this process may not raise a thread's priority";
  const int own = io::thread_niceness();
  for (const pid_t worker : begin()) EXPECT_EQ(io::thread_niceness(worker), -10);
  EXPECT_EQ(io::thread_niceness(), own);
}

TEST_F(WorkerPriorityTest, ComesWithShortSlices) {
  if (io::thread_slice() == Duration{}) GTEST_SKIP() << "one slice for all threads (Linux before 6.12)";
  for (const pid_t worker : begin()) EXPECT_EQ(io::thread_slice(worker), std::chrono::microseconds{400});
}

}  // namespace
}  // namespace isthmus::dataplane
