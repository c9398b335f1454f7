// How the scheduler sees a worker.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <string>
#include <thread>

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

using WorkerPriorityTest = JoinedWorkers;

TEST_F(WorkerPriorityTest, IsHighAndNobodyElsesIs) {
  if (!may_raise_priority()) GTEST_SKIP() << "this process may not raise a thread's priority";
  const std::set<id_t> before = threads();
  const int own = nice_of(static_cast<id_t>(::gettid()));
  join({.workers = 2});
  report();  // each has begun
  std::size_t workers = 0;
  for (const id_t thread : threads()) {
    if (before.contains(thread)) continue;
    EXPECT_EQ(nice_of(thread), -10);
    ++workers;
  }
  EXPECT_EQ(workers, 4U);
  EXPECT_EQ(nice_of(static_cast<id_t>(::gettid())), own);
}

}  // namespace
}  // namespace isthmus::dataplane
