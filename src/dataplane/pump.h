// The packet path of one worker: packets of a TUN queue into datagrams of a socket and back, by turns. Knows
// no thread and waits for nothing. docs/design/dataplane.md tells the way of a packet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "dataplane/outbox.h"
#include "dataplane/standing_queue.h"
#include "esp/tunnel.h"
#include "io/tun_queue.h"
#include "io/udp_socket.h"
#include "net/gatherer.h"

namespace isthmus::dataplane {

// What the kernel did not take or give, beside what the Tunnel counts.
struct PumpCounters {
  std::uint64_t tun_refused = 0;     // packets and super-packets: interface down, queue full
  std::uint64_t tun_unreadable = 0;  // super-packets of a form we do not know
  std::uint64_t udp_refused = 0;     // datagrams: no route, too long, queue full
  std::uint64_t udp_truncated = 0;   // datagrams
  std::uint64_t outbox_full = 0;     // packets for which a socket without room left none, or too long none
  std::uint64_t congested = 0;       // packets dropped since the TUN queue stood too long
  // Of another worker's Pump.
  PumpCounters& operator+=(const PumpCounters& other) {
    tun_refused += other.tun_refused;
    tun_unreadable += other.tun_unreadable;
    udp_refused += other.udp_refused;
    udp_truncated += other.udp_truncated;
    outbox_full += other.outbox_full;
    congested += other.congested;
    return *this;
  }

  friend bool operator==(const PumpCounters&, const PumpCounters&) = default;
};

class Pump {
 public:
  // Allocates all that the packet path needs.
  Pump(io::TunQueue tun, io::UdpSocket socket, const esp::TunnelOptions& options);

  // One turn of each direction: as much as there is, up to a bound. Without allocation.
  void carry_out();  // from the TUN to the socket
  void carry_in();   // from the socket to the TUN; answers probes
  // Sends what the Tunnel has to say of itself: after commands.
  void send_own();
  // Sends what the socket had no room for.
  void send_waiting();
  // The socket has had no room: nothing more is read from the TUN until it has, and carry_out() is called.
  [[nodiscard]] bool is_blocked() const { return is_blocked_; }
  // Throws away, and counts, what the socket has no room for.
  void drop_waiting();

  esp::Tunnel& tunnel() { return tunnel_; }
  [[nodiscard]] const esp::Tunnel& tunnel() const { return tunnel_; }
  [[nodiscard]] const io::TunQueue& tun() const { return tun_; }
  io::UdpSocket& socket() { return socket_; }
  [[nodiscard]] PumpCounters counters() const;

 private:
  // Where gathered packets go.
  struct Kernel final : GatherSink {
    explicit Kernel(Pump& owner) : pump(owner) {}
    void packet(const GatheredPacket& packet) override;
    Pump& pump;
    std::uint64_t refused = 0;
  };

  void seal(const io::TunQueue::ReadPacket& read);
  void mark(MutableBytes packet);
  void seal_one(MutableBytes packet);
  void open_train(const io::ReceivedTrain& train, Instant now, bool is_marked_here);
  void queue_own();

  io::TunQueue tun_;
  io::UdpSocket socket_;
  esp::Tunnel tunnel_;
  Outbox outbox_;
  io::ReceiveBuffers received_;
  Gatherer gatherer_;
  Kernel kernel_{*this};
  std::unique_ptr<std::uint8_t[]> super_;
  StandingQueue at_socket_;
  StandingQueue at_tun_;
  bool is_mark_due_ = false;  // of the next packet out of the TUN
  bool is_drop_due_ = false;  // of the next one to be sealed
  std::size_t trains_per_turn_ = io::ReceiveBuffers::kTrains;
  std::uint64_t outbox_full_ = 0;
  std::uint64_t congested_ = 0;
  bool is_blocked_ = false;
};

}  // namespace isthmus::dataplane
