// Two network namespaces joined by a cable, and in each a TUN interface whose workers carry its packets to
// the other one over that cable, with keys of the test's own:
//
//   near: isth0 10.9.0.1, lan0 10.1.0.1 ── cable ── far: lan1 10.1.0.2, isth0 10.9.0.2
//
// and fd09::1, 2001:db8:1::1 likewise.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/worker.h"
#include "io/tun_device.h"
#include "kernel/namespace_fixture.h"

namespace isthmus::dataplane {

class JoinedWorkers : public io::NamespaceTest {
 protected:
  struct Shape {
    std::size_t workers = 1;
    int outer = 4;  // version of IP on the cable
    io::TunOffloads offloads = io::TunOffloads::kTcpAndUdp;
    esp::TunnelOptions options = {};
  };

  void SetUp() override;
  void TearDown() override;

  // Goes over to one side; descriptors stay where they were made.
  enum class Side : std::uint8_t { kNear, kFar };
  void enter(Side side) const;
  // Makes both sides' interfaces and workers; those of before go.
  void join(const Shape& shape);
  void lay_cable_offloads(const std::string& on_or_off) const;
  // What the workers of both sides have counted, added up.
  WorkerReport report();
  // Events that came while something else was waited for.
  std::vector<WorkerEvent> other_events;

  static const char* inner(Side side, int version);

  struct Gateway {
    std::optional<io::TunDevice> tun;
    std::vector<std::unique_ptr<Worker>> workers;
  };
  Gateway near_, far_;

 private:
  void open(Side side, const Shape& shape);
  void install(Side sender, const Shape& shape);
  WorkerReport report_of(Worker& worker);

  io::UniqueFd original_, near_space_, far_space_;
};

// Sends `all` over as many TCP connections at once, from the near side's address to the far side's, by calls
// that do not block; what has arrived of each within `seconds`.
class TcpTransfer {
 public:
  // In the far namespace; then connect() in the near one.
  TcpTransfer(const std::string& to, int version, std::size_t connections);
  void connect();
  // Whether all of `all` arrived on each connection, octet by octet. Allocates nothing once it runs.
  bool run(const Bytes& all, double seconds);
  [[nodiscard]] std::size_t arrived() const { return arrived_; }

 private:
  struct Connection {
    io::UniqueFd client, server;
    std::size_t sent = 0, compared = 0;
  };
  bool advance(Connection& connection, const Bytes& all);

  std::string to_;
  int version_;
  io::UniqueFd listener_;
  std::vector<Connection> connections_;
  Bytes chunk_ = Bytes(1 << 18);
  std::size_t arrived_ = 0;
};

}  // namespace isthmus::dataplane
