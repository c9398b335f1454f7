// Packets between a TUN interface and whoever sends them on: reads in batches, stops reading while the way is
// full.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <functional>
#include <memory>

#include "io/tun_device.h"
#include "net/packet_view.h"
#include "ppp/link.h"

namespace isthmus::app {

class TunPump : public std::enable_shared_from_this<TunPump> {
 public:
  struct Handlers {
    std::function<void(Family, ConstBytes)>
        packet;                          // one packet out of the tunnel interface, valid during the call
    std::function<bool()> end_of_batch;  // after a batch: send it; false stops reading until resume()
  };

  // Takes the device: the interface goes with the pump.
  TunPump(asio::io_context& loop, io::TunDevice device, Handlers handlers);

  void start();
  void resume();
  void stop();
  // Hands one packet to the kernel; false if that does not take it (interface down, queue full).
  bool deliver(ConstBytes packet);

  [[nodiscard]] const io::TunDevice& device() const { return device_; }

 private:
  void wait();
  void read_batch();

  io::TunDevice device_;
  asio::posix::stream_descriptor descriptor_;  // a duplicate of the device's
  Handlers handlers_;
  Bytes buffer_;
  bool waiting_ = false;
  bool stopped_ = false;
};

}  // namespace isthmus::app
