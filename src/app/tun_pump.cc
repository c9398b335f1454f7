#include "app/tun_pump.h"

#include <utility>

#include "io/watch.h"

namespace isthmus::app {
namespace {

// What is read before others get their turn; a super-packet is 64 KiB.
constexpr int kPacketsPerTurn = 64;
constexpr std::size_t kOctetsPerTurn = 512 * 1024;

}  // namespace

TunPump::TunPump(asio::io_context& loop, io::TunDevice device, Handlers handlers)
    : device_(std::move(device)), handlers_(std::move(handlers)), buffer_(io::TunDevice::kReadBuffer) {
  for (io::TunQueue& queue : device_.queues())
    queues_.push_back({&queue, asio::posix::stream_descriptor{loop}});
}

Result<void> TunPump::resume() {
  if (stopped_) return {};
  for (Queue& queue : queues_) {
    Result<void> opened = open(queue);
    if (opened) continue;
    pause();
    return opened;
  }
  is_paused_ = false;
  for (Queue& queue : queues_) {
    if (!queue.is_waiting) wait(queue);
  }
  return {};
}

Result<void> TunPump::open(Queue& queue) {
  if (queue.readable.is_open()) return {};
  return io::watch(queue.readable, queue.queue->fd(), "wait for the tunnel interface's packets");
}

void TunPump::pause() {
  is_paused_ = true;
  asio::error_code ignored;
  for (Queue& queue : queues_) {
    queue.readable.close(ignored);
    queue.is_waiting = false;
    ++queue.round;
  }
}

void TunPump::stop() {
  stopped_ = true;
  pause();
}

void TunPump::wait(Queue& queue) {
  queue.is_waiting = true;
  queue.readable.async_wait(
      asio::posix::stream_descriptor::wait_read,
      [self = shared_from_this(), &queue, round = queue.round](const asio::error_code& error) {
        if (error || round != queue.round) return;
        queue.is_waiting = false;
        if (!self->is_paused_) self->read_batch(queue);
      });
}

void TunPump::read_batch(Queue& queue) {
  std::size_t octets = 0;
  for (int count = 0; count < kPacketsPerTurn && octets < kOctetsPerTurn; ++count) {
    const auto packet = queue.queue->read(buffer_);
    if (!packet) break;
    octets += packet->octets.size();
    handlers_.packet(packet->octets, packet->segment_size);
  }
  if (!handlers_.end_of_batch()) pause();
  if (!is_paused_ && !queue.is_waiting) wait(queue);
}

void TunPump::deliver(const Packet& packet) {
  if (!stopped_) incoming_.add(packet, kernel_);
}

void TunPump::flush() {
  incoming_.flush(kernel_);
}

}  // namespace isthmus::app
