// Preloaded into a program whose clock is to be set: the machine's own time (CLOCK_REALTIME) and as many
// seconds as stand in the file that CLOCK_SHIFT names, eight octets, which may change at any time. The file
// is mapped at the start: libfaketime would open it again and again, which an engine in its sandbox cannot.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

using ClockGettime = int(clockid_t, timespec*);

const volatile std::int64_t* map_shift() {
  static const std::int64_t kNone = 0;
  const char* path = getenv("CLOCK_SHIFT");
  const int fd = path != nullptr ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return &kNone;
  void* memory = mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  return memory == MAP_FAILED ? &kNone : static_cast<const std::int64_t*>(memory);
}

const volatile std::int64_t* const kShift = map_shift();

timespec shifted_now() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return now;
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  static auto* const original = reinterpret_cast<ClockGettime*>(dlsym(RTLD_NEXT, "clock_gettime"));
  const int result = original(clock, time);
  const bool is_shifted = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
  if (result == 0 && is_shifted && kShift != nullptr) time->tv_sec += *kShift;
  return result;
}

extern "C" int gettimeofday(timeval* time, void*) noexcept {
  const timespec now = shifted_now();
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

extern "C" time_t time(time_t* time) noexcept {
  const time_t now = shifted_now().tv_sec;
  if (time != nullptr) *time = now;
  return now;
}
