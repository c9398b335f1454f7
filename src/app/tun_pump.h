// Packets between a TUN interface and whoever sends them on: reads in batches, stops reading while the way is
// full.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <functional>
#include <memory>

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
    std::function<bool()> end_of_batch;  // after a batch: send it; false stops reading until resume()
  };

  // Takes the device: the interface goes with the pump.
  TunPump(asio::io_context& loop, io::TunDevice device, Handlers handlers);

  void start();
  void resume();
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

  void wait();
  void read_batch();

  io::TunDevice device_;
  Kernel kernel_{device_};
  Coalescer incoming_;
  asio::posix::stream_descriptor descriptor_;  // a duplicate of the device's
  Handlers handlers_;
  Bytes buffer_;
  bool waiting_ = false;
  bool stopped_ = false;
};

}  // namespace isthmus::app
