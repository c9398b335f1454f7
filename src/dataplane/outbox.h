// Sealed datagrams on their way to the socket, one behind the other as they were made: neighbours of one size
// become trains by that alone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "io/udp_socket.h"
#include "net/endpoint.h"

namespace isthmus::dataplane {

class Outbox {
 public:
  // Allocates all it will ever need.
  Outbox();

  // Where the next datagram is to be made; empty if there is no room for `size` octets.
  MutableBytes room(std::size_t size);
  // The first `size` octets of that are one now.
  void append(std::size_t size, const Endpoint& to, std::uint8_t traffic_class);
  // By itself, so that it is lost alone if it is too long for its path; from this address, or from one of the
  // kernel's choice.
  void append_alone(std::size_t size, const Endpoint& to, const std::optional<IpAddress>& from);

  // Sends the trains that nothing more fits into, or all. False if the kernel has no room now: what is left
  // goes first next time.
  bool send_full(io::UdpSocket& socket);
  bool send_all(io::UdpSocket& socket);

  // Throws away what is left: how many datagrams.
  std::size_t drop_all();

  [[nodiscard]] bool is_empty() const { return first_ == count_; }

 private:
  ConstBytes take(std::size_t size);
  bool joins_last(std::size_t size, const Endpoint& to, std::uint8_t traffic_class) const;
  [[nodiscard]] bool is_last_full() const;
  bool send(io::UdpSocket& socket, std::size_t trains);

  // A turn's packets, sealed, and the longest datagram of the Tunnel's own.
  static constexpr std::size_t kRoom = 1U << 19;
  static constexpr std::size_t kTrains = 128;

  std::unique_ptr<std::uint8_t[]> octets_;
  std::size_t end_ = 0;
  std::array<io::Train, kTrains> trains_{};
  std::size_t first_ = 0;  // those before it are gone
  std::size_t count_ = 0;
  bool is_last_alone_ = false;
};

}  // namespace isthmus::dataplane
