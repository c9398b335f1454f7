// A thread that carries packets between one TUN queue and one socket. Control and worker tell each other
// values and share nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "dataplane/mailbox.h"
#include "dataplane/path_error_limit.h"
#include "dataplane/pump.h"
#include "esp/tunnel.h"
#include "io/tun_queue.h"
#include "io/udp_socket.h"

namespace isthmus::dataplane {

// Packets of the TUN queue are the worker's from now on, or the control thread's, which reads a duplicate of
// the queue. A new worker leaves them. Datagrams are carried to the TUN either way.
struct ReadTun {};
// Answered by TunLeft, once all that was read is sent, or after a moment, if the socket has no room for it.
struct LeaveTun {};
struct AskReport {};  // answered by a WorkerReport

using WorkerCommand = std::variant<esp::TunnelCommand, ReadTun, LeaveTun, AskReport>;

struct TunLeft {};
// Somebody has removed the interface.
struct TunLost {};
struct WorkerReport {
  esp::TunnelCounters tunnel;
  PumpCounters pump;
  std::vector<esp::SaStatus> sas;
};
struct CommandFailed {
  Error error;
};

// A PathError may be of anybody's making: it counts for something only if it quotes a live SPI.
using WorkerEvent =
    std::variant<esp::TunnelEvent, io::PathError, TunLeft, TunLost, WorkerReport, CommandFailed>;

class Worker {
 public:
  // Both are the worker's from now on; the interface is there until the worker has ended and every other of
  // its descriptors is closed.
  static Result<std::unique_ptr<Worker>> start(io::TunQueue tun, io::UdpSocket socket,
                                               const esp::TunnelOptions& options = {});
  // Ends the thread; what waits in the outbox is lost.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Obeyed in their order, between two batches of packets.
  void post(WorkerCommand command) { commands_.post(std::move(command)); }

  // Readable while events wait. Of those that others can cause at will no more than kMostEvents do, and of
  // path errors half of that: more are lost. What was asked for, and what happens once, always finds room.
  [[nodiscard]] int events_fd() const { return events_.fd(); }
  std::vector<WorkerEvent> take_events() { return events_.take(); }
  static constexpr std::size_t kMostEvents = 1024;

  // The thread's niceness, if this process may have it, and how long it wants to run at a time, which says
  // how soon it may run again (sched_setattr(2), of Linux 6.12 and later).
  static constexpr int kNice = -10;
  static constexpr Duration kSlice = std::chrono::microseconds{400};

 private:
  struct Stop {};
  using Mail = std::variant<WorkerCommand, Stop>;
  struct Descriptors {
    io::UniqueFd commands, events, epoll;
  };
  // What epoll says is to be done.
  struct Ready {
    bool mail = false;
    bool tun = false;
    bool tun_is_lost = false;
    bool socket = false;
    bool room = false;
    bool errors = false;
  };

  Worker(io::TunQueue tun, io::UdpSocket socket, const esp::TunnelOptions& options, Descriptors descriptors);
  Result<void> watch();
  Result<void> start_thread();
  void run();
  Ready wait();
  void take_turns(const Ready& ready);
  void carry_out();
  void read_mail();
  void obey(esp::TunnelCommand& command);
  void obey(const ReadTun& command);
  void obey(const LeaveTun& command);
  void obey(const AskReport& command);
  void tell_path_errors();
  void hear_path_errors(bool wished);
  void tell_events();
  void finish_leaving();
  [[nodiscard]] int patience() const;
  void lose_tun();
  void adjust_interest();

  // The thread's own.
  Pump pump_;
  io::UniqueFd epoll_;
  bool reads_tun_ = false;
  std::optional<Instant> leave_by_;  // TunLeft is still to be told
  bool is_stopped_ = false;
  bool watches_tun_ = false;  // what epoll has been told
  bool watches_room_ = false;
  std::uint64_t events_lost_ = 0;
  PathErrorLimit path_errors_;
  bool hears_path_errors_ = true;

  Mailbox<Mail> commands_;
  Mailbox<WorkerEvent> events_;
  std::thread thread_;
};

}  // namespace isthmus::dataplane
