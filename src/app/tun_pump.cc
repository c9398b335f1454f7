#include "app/tun_pump.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace isthmus::app {
namespace {

constexpr std::size_t kLargestPacket = 65536;
constexpr int kPacketsPerTurn = 64;

}  // namespace

TunPump::TunPump(asio::io_context& loop, io::TunDevice device, Handlers handlers)
    : device_(std::move(device)),
      descriptor_(loop, fcntl(device_.fd(), F_DUPFD_CLOEXEC, 3)),
      handlers_(std::move(handlers)),
      buffer_(kLargestPacket) {}

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
  for (int count = 0; count < kPacketsPerTurn; ++count) {
    const ssize_t length = ::read(descriptor_.native_handle(), buffer_.data(), buffer_.size());
    if (length <= 0) break;
    const ConstBytes packet = ConstBytes{buffer_}.first(static_cast<std::size_t>(length));
    const int version = packet[0] >> 4;
    if (version == 4) handlers_.packet(Family::kIpv4, packet);
    if (version == 6) handlers_.packet(Family::kIpv6, packet);
  }
  if (handlers_.end_of_batch() && !stopped_) wait();
}

bool TunPump::deliver(ConstBytes packet) {
  return !stopped_ && ::write(device_.fd(), packet.data(), packet.size()) >= 0;
}

}  // namespace isthmus::app
