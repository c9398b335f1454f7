// An engine's side of its monitor: each call asks and waits for the answer, as a system call would.
#pragma once

#include <string>
#include <vector>

#include "app/monitor_reply.h"
#include "app/monitor_request.h"
#include "io/control_socket.h"
#include "io/tun_device.h"
#include "io/udp_socket.h"
#include "net/firewall_diagnosis.h"
#include "session/call.h"

namespace isthmus::app {

class MonitorClient {
 public:
  explicit MonitorClient(io::ControlConnection channel) : channel_(std::move(channel)) {}

  // First of all, and once.
  Result<Begun> wait_begin();

  Result<HostFacts> read_facts();
  Result<FirewallFacts> read_firewall();
  // Those that give way have been told; the facts are without what they still have.
  Result<Rivals> look_for_rivals(LegId leg, const session::HostId& host);
  // The other session of this machine that has this peer, or nothing.
  std::string find_twin(const session::NodeId& node);
  LegEndpoints endpoints(LegId leg);
  std::vector<std::string> outer_of_session(const std::string& session);

  // To be judged there as it was here, by the facts that were read last.
  Result<void> judged(LegId leg, const std::optional<session::Hello>& hello);
  Result<void> join(LegId leg, const session::Agreement& agreement);
  // Returns what stays against the monitor's will.
  std::vector<Error> suspend();
  Result<void> resume();
  // What others had removed, in words, and what could not be put back.
  io::HostApplier::PutBack put_back();
  std::vector<Error> undo();

  struct Tunnel {
    io::TunDevice device;
    std::uint32_t index = 0;
  };
  Result<Tunnel> open_tunnel(int mtu, std::size_t queues);
  Result<void> change_mtu(int mtu);
  Result<std::vector<io::UdpSocket>> open_sockets(LegId leg, std::size_t count);
  struct Ssh {
    LegId leg = 0;
    io::UniqueFd output, input, errors;  // ours of its pipes
  };
  // kRefused with the sentence where ssh is not to be started, or cannot be; `why_not` then says it in full.
  Result<Ssh> dial(config::SshDiagnosis& why_not);
  void end(LegId leg);
  // Gives in, out and the waiting `attach` of the leg away.
  Result<void> pass_on(const std::string& session, LegId leg, std::span<const int> fds);

  void note(const Note& note);
  // Where the session leaves its terminal: a descriptor of /dev/null for the standard streams.
  io::UniqueFd tell_proven(std::uint8_t exit_code);

 private:
  template <typename T>
  Result<T> ask(const MonitorRequest& request, std::span<const int> fds = {});
  Result<Bytes> exchange(const MonitorRequest& request, std::span<const int> fds);

  io::ControlConnection channel_;
  std::vector<io::UniqueFd> received_;  // with the last answer
};

}  // namespace isthmus::app
