// How the scheduler sees a worker.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <string>
#include <thread>

#include "io/thread_schedule.h"
#include "kernel/joined_workers.h"

namespace isthmus::dataplane {
namespace {

std::set<id_t> threads() {
  std::set<id_t> all;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/task"})
    all.insert(static_cast<id_t>(std::stoul(entry.path().filename().string())));
  return all;
}

int nice_of(id_t thread) {
  return ::getpriority(PRIO_PROCESS, thread);
}

bool may_raise_priority() {
  bool may = false;
  std::thread{[&] {
    may = ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), Worker::kNice) == 0;
  }}.join();
  return may;
}

class WorkerPriorityTest : public JoinedWorkers {
 protected:
  // The threads of two workers at each end.
  std::set<id_t> begin() {
    const std::set<id_t> before = threads();
    join({.workers = 2});
    report();  // each has begun
    std::set<id_t> begun = threads();
    for (const id_t thread : before) begun.erase(thread);
    EXPECT_EQ(begun.size(), 4U);
    return begun;
  }
};

TEST_F(WorkerPriorityTest, IsHighAndNobodyElsesIs) {
  if (!may_raise_priority()) GTEST_SKIP() << "this process may not raise a thread's priority";
  const int own = nice_of(static_cast<id_t>(::gettid()));
  for (const id_t worker : begin()) EXPECT_EQ(nice_of(worker), -10);
  EXPECT_EQ(nice_of(static_cast<id_t>(::gettid())), own);
}

TEST_F(WorkerPriorityTest, ComesWithShortSlices) {
  if (io::thread_slice() == Duration{}) GTEST_SKIP() << "one slice for all threads (Linux before 6.12)";
  for (const id_t worker : begin())
    EXPECT_EQ(io::thread_slice(static_cast<pid_t>(worker)), std::chrono::microseconds{400});
}

}  // namespace
}  // namespace isthmus::dataplane
