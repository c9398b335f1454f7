// What a session has on this machine for its datagrams: a socket, the workers, and their counters. The pure
// Session decides; this obeys it, and tells it what the workers hear and count.
#pragma once

#include <asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "app/datagram_plane.h"
#include "app/session_state.h"
#include "app/site.h"
#include "app/tun_pump.h"
#include "io/log.h"
#include "session/session.h"

namespace isthmus::app {

class SessionDatagrams {
 public:
  // All must outlive it. `turn` is called after each event that the session was told of.
  SessionDatagrams(asio::io_context& loop, const Site& site, session::Session& session, io::Log& log,
                   std::function<void()> turn);

  // How many queues the TUN should have: one for each worker, 1 where the stream carries everything.
  [[nodiscard]] std::size_t queues_wanted() const;
  // Where datagrams cannot be had the stream carries everything, with a warning; with --path datagram it is
  // an error. What is open already stays.
  using OpenSockets = std::function<Result<std::vector<io::UdpSocket>>(std::size_t count)>;
  Result<void> open(std::shared_ptr<TunPump> tunnel, const OpenSockets& open_sockets);
  // Ends the workers, and their keys with them. Packets go by the stream, if anything reads the TUN.
  void stop();
  // Ours, while they are open.
  [[nodiscard]] std::optional<std::uint16_t> port() const;

  // At each agreement.
  void use(const session::Agreement& agreement, const Selector& selector, session::PathFacts path,
           const HostFacts& facts);
  // The machine's links, addresses and routes may have changed.
  void look_at(const session::Agreement& agreement, const HostFacts& facts);
  void obey(keying::WorkerCommand command);
  // Who reads the TUN from now on: the workers or the control thread. For a moment both may; each packet is
  // read by one.
  void carry(const session::Carry& carry);

  [[nodiscard]] std::optional<Instant> next_deadline() const { return count_at_; }
  void advance(Instant now);

  void describe(SessionState& state) const;

 private:
  [[nodiscard]] bool are_wanted() const;
  [[nodiscard]] esp::SaLimits sa_limits() const;
  Result<void> start(const OpenSockets& open_sockets);
  void read_tunnel();
  [[nodiscard]] DatagramPlane::Handlers handlers();
  // Of the interface that leads to the peer; `likely` is where it may be as long as nothing has answered.
  void tell_interface_mtu(const HostFacts& facts, std::optional<IpAddress> likely = {});
  [[nodiscard]] std::vector<IpAddress> own_addresses(const session::Agreement& agreement,
                                                     const HostFacts& facts) const;

  asio::io_context& loop_;
  const Site& site_;
  session::Session& session_;
  io::Log& log_;
  std::function<void()> turn_;
  std::shared_ptr<TunPump> tunnel_;
  std::shared_ptr<DatagramPlane> plane_;
  bool is_unread_ = false;  // though packets go by the stream
  std::optional<Instant> count_at_;
  session::PathCounts last_counts_;
};

}  // namespace isthmus::app
