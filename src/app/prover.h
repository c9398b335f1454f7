// The proof that ends every bring-up: pings from this gateway to the far gateway and its hosts, and to our
// own hosts, so that a silent host can be told from a missing return route.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "io/boot_timer.h"
#include "io/icmp_prober.h"
#include "session/message.h"

namespace isthmus::app {

struct ProofTask {
  IpAddress source;
  IpAddress target;
  bool is_host = false;
  // A gateway without a return route may send its answer round the tunnel.
  bool is_beyond_tunnel = false;
  int attempts = io::ProbeRequest{}.attempts;
};

class Prover {
 public:
  // `done` gets the outcomes in the order of the tasks.
  using Done = std::function<void(std::vector<session::ProofReport::Probe>)>;
  static Result<std::unique_ptr<Prover>> open(asio::io_context& loop);

  // Drops a proof that is under way. `tunnel` is the index of its interface.
  void begin(std::vector<ProofTask> tasks, std::uint32_t tunnel, Done done);

 private:
  explicit Prover(io::IcmpProber prober) : prober_(std::move(prober)) {}
  void wait(std::size_t index);
  void turn();

  io::IcmpProber prober_;
  std::vector<asio::posix::stream_descriptor> sockets_;  // duplicates of the prober's
  std::optional<io::BootTimer> timer_;
  std::vector<ProofTask> tasks_;
  std::vector<std::uint32_t> ids_;
  std::vector<std::optional<session::ProofReport::Probe>> outcomes_;
  Done done_;
};

}  // namespace isthmus::app
