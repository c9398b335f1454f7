#include "io/thread_schedule.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace isthmus::io {
namespace {

// struct sched_attr of sched_setattr(2): the C library has none, and the kernel's header cannot stand beside
// <sched.h>.
struct ScheduleAttributes {
  std::uint32_t size = sizeof(ScheduleAttributes);
  std::uint32_t policy = SCHED_OTHER;
  std::uint64_t flags = 0;
  std::int32_t niceness = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;  // nanoseconds
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};
static_assert(sizeof(ScheduleAttributes) == 48, "SCHED_ATTR_SIZE_VER0");

}  // namespace

// Linux has a niceness of each thread.
bool set_thread_niceness(int niceness) {
  return ::setpriority(PRIO_PROCESS, 0, niceness) == 0;
}

int thread_niceness(pid_t thread) {
  return ::getpriority(PRIO_PROCESS, static_cast<id_t>(thread));
}

void set_thread_slice(Duration slice) {
  ScheduleAttributes attributes;
  if (::syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return;
  if (attributes.policy != SCHED_OTHER) return;
  attributes.runtime = static_cast<std::uint64_t>(slice.count());
  ::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

Duration thread_slice(pid_t thread) {
  ScheduleAttributes found;
  if (::syscall(SYS_sched_getattr, thread, &found, sizeof found, 0) != 0) return {};
  return Duration{static_cast<Duration::rep>(found.runtime)};
}

}  // namespace isthmus::io
