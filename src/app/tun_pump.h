// Packets between a TUN interface and whoever sends them on: reads its queues in batches, stops reading while
// the way is full, or while somebody else reads them.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "io/tun_device.h"
#include "net/coalescer.h"
#include "net/packet.h"

namespace isthmus::app {

class TunPump : public std::enable_shared_from_this<TunPump> {
 public:
  struct Handlers {
    // One packet out of the tunnel interface, or a super-packet if its segment size is not 0. Valid during
    // the call, and the handler's to change.
    std::function<void(MutableBytes octets, std::uint16_t segment_size)> packet;
    std::function<bool()> end_of_batch;  // after a batch: send it; false is as pause()
  };

  // Takes the device: the interface goes with the pump.
  TunPump(asio::io_context& loop, io::TunDevice device, Handlers handlers);

  Result<void> start() { return resume(); }
  // Reads no more until resume(): what comes is for whoever else reads the queues.
  void pause();
  // An error leaves it paused: this process has no descriptor left to wait by.
  Result<void> resume();
  void stop();
  // For the kernel, by flush() at the latest: packets of one flow go to it as super-packets.
  void deliver(const Packet& packet);
  void flush();
  // What the kernel did not take: interface down, queue full.
  [[nodiscard]] std::uint64_t refused() const { return kernel_.refused; }

  [[nodiscard]] const io::TunDevice& device() const { return device_; }

 private:
  struct Kernel final : PacketSink {
    explicit Kernel(io::TunDevice& tun) : device(tun) {}
    void packet(const Packet& packet) override {
      if (!device.write(packet)) ++refused;
    }
    io::TunDevice& device;
    std::uint64_t refused = 0;
  };

  // A queue is waited on through a duplicate of its descriptor, which is open only while it is: the loop
  // would wake up for each packet that a worker reads.
  struct Queue {
    io::TunQueue* queue;
    asio::posix::stream_descriptor readable;
    bool is_waiting = false;
    unsigned round = 0;  // of waiting: what is left of an earlier one counts for nothing
  };

  static Result<void> open(Queue& queue);
  void wait(Queue& queue);
  void read_batch(Queue& queue);

  io::TunDevice device_;
  Kernel kernel_{device_};
  Coalescer incoming_;
  std::vector<Queue> queues_;
  Handlers handlers_;
  Bytes buffer_;
  bool is_paused_ = false;
  bool stopped_ = false;
};

}  // namespace isthmus::app
