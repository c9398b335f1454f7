// The socket and the workers of a session's datagrams, as the loop of the control thread sees them.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataplane/worker.h"
#include "keying/exchange.h"
#include "net/selector.h"
#include "session/datagram_path.h"

namespace isthmus::app {

class DatagramPlane : public std::enable_shared_from_this<DatagramPlane> {
 public:
  struct Handlers {
    std::function<void(const esp::TunnelEvent&)> event;
    std::function<void()> counted;       // what counts() gives is new
    std::function<void()> end_of_batch;  // of calls of the others
    std::function<void(const Endpoint& to, esp::Spi quoted, std::size_t size)> too_big;
    std::function<void(const std::string& line)> warned;
  };

  // A worker for each queue, with a socket of its own; of sockets there are as many, all on one port.
  static Result<std::shared_ptr<DatagramPlane>> open(asio::io_context& loop,
                                                     const esp::TunnelOptions& options,
                                                     const std::vector<io::TunQueue>& queues,
                                                     std::vector<io::UdpSocket> sockets, Handlers handlers);
  // Ends the workers, and their keys with them; no handler is called any more. May be called by a handler.
  void stop();

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::size_t workers() const { return stations_.size(); }

  void post(keying::WorkerCommand command);
  void post(const Selector& selector);
  // Who reads the queues of the TUN: the workers, or the control thread.
  void read_tun();
  void leave_tun();

  // The workers' counters are asked for here and arrive a moment later.
  void ask_counts();
  [[nodiscard]] session::PathCounts counts() const;
  [[nodiscard]] esp::TunnelCounters tunnel_counters() const;
  [[nodiscard]] dataplane::PumpCounters pump_counters() const;
  [[nodiscard]] std::vector<esp::SaStatus> sas() const;

 private:
  // A worker, until stop(), and where its events are waited for.
  struct Station {
    std::unique_ptr<dataplane::Worker> worker;
    asio::posix::stream_descriptor events;
    dataplane::WorkerReport report;
  };

  DatagramPlane(std::uint16_t port, Handlers handlers) : port_(port), handlers_(std::move(handlers)) {}
  void wait(Station& station);
  void take_events(Station& station);
  void on(Station& station, const esp::TunnelEvent& event);
  void on(Station& station, const io::PathError& error);
  void on(Station& station, const dataplane::TunLeft& left);
  void on(Station& station, const dataplane::TunLost& lost);
  void on(Station& station, dataplane::WorkerReport& report);
  void on(Station& station, const dataplane::CommandFailed& failed);

  std::uint16_t port_;
  Handlers handlers_;
  std::vector<std::unique_ptr<Station>> stations_;
  bool is_stopped_ = false;
};

}  // namespace isthmus::app
