#include "app/tun_pump.h"

#include <fcntl.h>

#include <utility>

namespace isthmus::app {
namespace {

// What is read before others get their turn; a super-packet is 64 KiB.
constexpr int kPacketsPerTurn = 64;
constexpr std::size_t kOctetsPerTurn = 512 * 1024;

}  // namespace

TunPump::TunPump(asio::io_context& loop, io::TunDevice device, Handlers handlers)
    : device_(std::move(device)),
      descriptor_(loop, fcntl(device_.fd(), F_DUPFD_CLOEXEC, 3)),
      handlers_(std::move(handlers)),
      buffer_(io::TunDevice::kReadBuffer) {}

void TunPump::start() {
  wait();
}

void TunPump::resume() {
  if (!waiting_ && !stopped_) wait();
}

void TunPump::stop() {
  stopped_ = true;
  asio::error_code ignored;
  descriptor_.close(ignored);
}

void TunPump::wait() {
  waiting_ = true;
  descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                         [self = shared_from_this()](const asio::error_code& error) {
                           self->waiting_ = false;
                           if (!error && !self->stopped_) self->read_batch();
                         });
}

void TunPump::read_batch() {
  std::size_t octets = 0;
  for (int count = 0; count < kPacketsPerTurn && octets < kOctetsPerTurn; ++count) {
    const auto packet = device_.read(buffer_);
    if (!packet) break;
    octets += packet->octets.size();
    handlers_.packet(packet->octets, packet->segment_size);
  }
  if (handlers_.end_of_batch() && !stopped_) wait();
}

void TunPump::deliver(const Packet& packet) {
  if (!stopped_) incoming_.add(packet, kernel_);
}

void TunPump::flush() {
  incoming_.flush(kernel_);
}

}  // namespace isthmus::app
