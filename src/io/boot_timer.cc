#include "io/boot_timer.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <utility>

#include "io/boot_clock.h"

namespace isthmus::io {

struct BootTimer::State : std::enable_shared_from_this<State> {
  State(asio::io_context& loop, int fd, std::function<void()> callback)
      : descriptor(loop, fd), on_time(std::move(callback)) {}

  // Holds only a weak reference: a timer that is gone calls nobody.
  void wait() {
    descriptor.async_wait(
        asio::posix::stream_descriptor::wait_read, [weak = weak_from_this()](const asio::error_code& error) {
          const auto self = weak.lock();
          if (error || !self) return;
          std::uint64_t expirations = 0;
          const bool expired = ::read(self->descriptor.native_handle(), &expirations, sizeof expirations) ==
                               sizeof expirations;
          self->wait();
          if (expired) self->expired();
        });
  }

  void expired() {
    armed.reset();
    if (!deadline) return;
    if (boot_now() < *deadline) return arm();
    on_time();
  }

  void arm() {
    armed = deadline;
    itimerspec spec{};
    // Zero would disarm: a deadline at or before the beginning of the clock is one nanosecond after it.
    const auto since_boot = std::max(deadline->time_since_epoch(), Duration{1});
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_boot);
    spec.it_value.tv_sec = seconds.count();
    spec.it_value.tv_nsec = (since_boot - seconds).count();
    timerfd_settime(descriptor.native_handle(), TFD_TIMER_ABSTIME, &spec, nullptr);
  }

  asio::posix::stream_descriptor descriptor;
  std::function<void()> on_time;
  std::optional<Instant> deadline;
  std::optional<Instant> armed;  // when the kernel wakes us: at the deadline or before it
};

Result<BootTimer> BootTimer::create(asio::io_context& loop, std::function<void()> on_time) {
  const int fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd < 0) return fail_errno(errno, "make a timer (timerfd_create)");
  auto state = std::make_shared<State>(loop, fd, std::move(on_time));
  state->wait();
  return BootTimer{std::move(state)};
}

void BootTimer::set(std::optional<Instant> deadline) {
  state_->deadline = deadline;
  // A deadline moves with every packet, mostly to later: the kernel is told of earlier ones alone.
  if (deadline && (!state_->armed || *deadline < *state_->armed)) state_->arm();
}

}  // namespace isthmus::io
