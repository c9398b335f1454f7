#include "dataplane/worker.h"

#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <system_error>
#include <utility>

#include "io/boot_clock.h"
#include "io/thread_schedule.h"

namespace isthmus::dataplane {
namespace {

// Of a flood of ICMP messages others get their turn too.
constexpr int kPathErrorsPerTurn = 128;

// How long what was read may wait for room in the socket after LeaveTun, as on a path that takes nothing any
// more.
constexpr Duration kLongestLeave = std::chrono::milliseconds{100};

// Told once an SA and direction, and nothing tells it again; of the others a peer makes as many as it likes.
bool is_bounded_by_itself(const esp::TunnelEvent& event) {
  return std::holds_alternative<esp::LimitReached>(event);
}

Result<void> add(int epoll, int fd, std::uint32_t events) {
  epoll_event interest{};
  interest.events = events;
  interest.data.fd = fd;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &interest) == 0) return {};
  return fail_errno(errno, "watch a worker's descriptor");
}

void change(int epoll, int fd, std::uint32_t events) {
  epoll_event interest{};
  interest.events = events;
  interest.data.fd = fd;
  ::epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &interest);
}

}  // namespace

Result<std::unique_ptr<Worker>> Worker::start(io::TunQueue tun, io::UdpSocket socket,
                                              const esp::TunnelOptions& options) {
  Descriptors descriptors;
  descriptors.commands = TRY(open_bell());
  descriptors.events = TRY(open_bell());
  descriptors.epoll.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!descriptors.epoll.is_open()) return fail_errno(errno, "open an epoll descriptor");
  std::unique_ptr<Worker> worker{
      new Worker{std::move(tun), std::move(socket), options, std::move(descriptors)}};
  TRY(worker->watch());
  TRY(worker->start_thread());
  return worker;
}

Worker::Worker(io::TunQueue tun, io::UdpSocket socket, const esp::TunnelOptions& options,
               Descriptors descriptors)
    : pump_(std::move(tun), std::move(socket), options),
      epoll_(std::move(descriptors.epoll)),
      commands_(std::move(descriptors.commands)),
      events_(std::move(descriptors.events)) {}

Worker::~Worker() {
  if (!thread_.joinable()) return;
  commands_.post(Stop{});
  thread_.join();
}

Result<void> Worker::watch() {
  TRY(add(epoll_.get(), commands_.fd(), EPOLLIN));
  TRY(add(epoll_.get(), pump_.socket().fd(), EPOLLIN));
  return add(epoll_.get(), pump_.tun().fd(), 0);
}

// Signals are the business of the thread that has handlers for them.
Result<void> Worker::start_thread() {
  Result<void> started;
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread{[this] { run(); }};
  } catch (const std::system_error& refused) {  // no memory for its stack, or too many processes
    started = fail_errno(refused.code().value(), "start a worker");
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

// A turn is a good place to let others run, the worker behind the same queue or before it perhaps: the
// scheduler itself would take the processor away at a tick, as much as 4 ms later. With a slice as long as
// everybody's it might not give it back before one.
void Worker::run() {
  io::set_thread_niceness(kNice);
  io::set_thread_slice(kSlice);
  const bool has_short_slices = io::thread_slice() == kSlice;
  while (!is_stopped_) {
    take_turns(wait());
    if (has_short_slices) ::sched_yield();
  }
}

// In milliseconds, as epoll takes it; rounded up, so that it is over then.
int Worker::patience() const {
  if (!leave_by_) return -1;
  const Duration left = std::max(*leave_by_ - io::boot_now(), Duration{});
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
}

Worker::Ready Worker::wait() {
  std::array<epoll_event, 3> events{};
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), patience());
  Ready ready;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.fd == commands_.fd()) ready.mail = true;
    if (event.data.fd == pump_.tun().fd()) {
      ready.tun = (event.events & EPOLLIN) != 0;
      ready.tun_is_lost = (event.events & EPOLLERR) != 0;
    }
    if (event.data.fd != pump_.socket().fd()) continue;
    ready.errors = (event.events & EPOLLERR) != 0;
    // Receiving also takes an error off that ICMP has left on the socket, and with it EPOLLERR.
    ready.socket = ready.errors || (event.events & EPOLLIN) != 0;
    ready.room = (event.events & EPOLLOUT) != 0;
  }
  return ready;
}

// One of each: however much there is of one, the others have theirs.
void Worker::take_turns(const Ready& ready) {
  if (!hears_path_errors_ && path_errors_.is_over(io::boot_now())) hear_path_errors(true);
  if (ready.mail) read_mail();
  if (ready.errors) tell_path_errors();
  if (ready.socket) pump_.carry_in();
  const bool has_packets = ready.tun && reads_tun_ && !pump_.is_blocked();
  if (has_packets || ready.room) carry_out();
  if (ready.tun_is_lost) lose_tun();
  tell_events();
  adjust_interest();
}

// Its descriptor would be ready for ever.
void Worker::lose_tun() {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, pump_.tun().fd(), nullptr);
  events_.post(TunLost{});
}

void Worker::carry_out() {
  if (reads_tun_) return pump_.carry_out();
  pump_.send_waiting();
}

void Worker::read_mail() {
  for (Mail& mail : commands_.take()) {
    if (std::holds_alternative<Stop>(mail)) {
      is_stopped_ = true;
      return;
    }
    std::visit([this](auto& command) { obey(command); }, std::get<WorkerCommand>(mail));
  }
  pump_.send_own();
}

void Worker::obey(esp::TunnelCommand& command) {
  const auto obeyed = pump_.tunnel().apply(std::move(command));
  if (!obeyed) events_.post(CommandFailed{obeyed.error()});
}

void Worker::obey(const ReadTun& /*command*/) {
  reads_tun_ = true;
  leave_by_.reset();
}

void Worker::obey(const LeaveTun& /*command*/) {
  reads_tun_ = false;
  leave_by_ = io::boot_now() + kLongestLeave;
}

void Worker::obey(const AskReport& /*command*/) {
  WorkerReport report{
      .tunnel = pump_.tunnel().counters(), .pump = pump_.counters(), .sas = pump_.tunnel().status()};
  report.tunnel.events_lost += events_lost_;
  events_.post(std::move(report));
}

void Worker::tell_path_errors() {
  const Instant now = io::boot_now();
  for (int count = 0; count < kPathErrorsPerTurn; ++count) {
    const auto error = pump_.socket().read_error();
    if (!error) return;
    if (path_errors_.takes(now, *error) && !events_.post(*error, kMostEvents / 2)) ++events_lost_;
    if (path_errors_.is_flooded()) return hear_path_errors(false);
  }
}

// What nobody reads fills the buffer that datagrams need, and each message fails a call of ours.
void Worker::hear_path_errors(bool wished) {
  pump_.socket().hear_errors(wished);
  hears_path_errors_ = wished;
}

void Worker::tell_events() {
  if (leave_by_) finish_leaving();
  while (const auto event = pump_.tunnel().next_event()) {
    if (!events_.post(*event, is_bounded_by_itself(*event) ? SIZE_MAX : kMostEvents)) ++events_lost_;
  }
}

// Not before the last packet that was read is on its way; but a path that is left since it takes nothing any
// more may never have room.
void Worker::finish_leaving() {
  if (pump_.is_blocked() && io::boot_now() >= *leave_by_) pump_.drop_waiting();
  if (pump_.is_blocked()) return;
  leave_by_.reset();
  events_.post(TunLeft{});
}

// Epoll tells of what is ready until it is dealt with, so it is asked only for what will be.
void Worker::adjust_interest() {
  const bool wants_tun = reads_tun_ && !pump_.is_blocked();
  if (wants_tun != watches_tun_) change(epoll_.get(), pump_.tun().fd(), wants_tun ? EPOLLIN : 0U);
  watches_tun_ = wants_tun;
  const bool wants_room = pump_.is_blocked();
  if (wants_room != watches_room_)
    change(epoll_.get(), pump_.socket().fd(), wants_room ? EPOLLIN | EPOLLOUT : EPOLLIN);
  watches_room_ = wants_room;
}

}  // namespace isthmus::dataplane
