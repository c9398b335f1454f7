// A TUN interface of our own, with one queue or several.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "io/tun_queue.h"
#include "net/packet.h"

namespace isthmus::io {

// "isth%d" lets the kernel choose the number.
inline constexpr std::string_view kTunNamePattern = "isth%d";

// Nothing crosses an interface that is down.
enum class TunState : std::uint8_t { kDown, kUp };

class TunDevice {
 public:
  using ReadPacket = TunQueue::ReadPacket;
  static constexpr std::size_t kReadBuffer = TunQueue::kReadBuffer;

  // Makes a new interface (never joins one that exists), gives it `mtu` and brings it up, if that is wished.
  // It carries no address: the kernel is told not to invent a link-local one, since IPV6CP agrees on it, and
  // not to believe router advertisements or redirects that come out of the tunnel. kExists if the name is
  // taken, kInvalid if it cannot be a name, kUnsupported without /dev/net/tun, kSystem with a hint otherwise.
  // Of `wished` it gets what the kernel has: Linux knows those of UDP since 6.2. Of several `queues` the
  // kernel chooses one by a packet's flow, if it can the one by which the flow's packets were written; each
  // has to be read.
  static Result<TunDevice> open(std::string_view name_or_pattern, int mtu,
                                TunOffloads wished = TunOffloads::kTcpAndUdp, std::size_t queues = 1,
                                TunState state = TunState::kUp);

  // One that another process has made and opened, by its queues' descriptors.
  static TunDevice adopt(std::string name, TunOffloads offloads, std::vector<UniqueFd> queues);

  [[nodiscard]] const std::string& name() const { return name_; }
  // The interface, with its addresses and routes, goes when all of them and their duplicates are closed.
  [[nodiscard]] std::vector<TunQueue>& queues() { return queues_; }
  [[nodiscard]] const std::vector<TunQueue>& queues() const { return queues_; }

  // Of the first queue, where there is no other.
  [[nodiscard]] TunOffloads offloads() const { return queues_.front().offloads(); }
  [[nodiscard]] int fd() const { return queues_.front().fd(); }
  std::optional<ReadPacket> read(MutableBytes buffer) { return queues_.front().read(buffer); }
  bool write(const Packet& packet) { return queues_.front().write(packet); }
  [[nodiscard]] std::uint64_t unreadable() const { return queues_.front().unreadable(); }

  // For IPCP's and LCP's result: changes the MTU of the living interface.
  [[nodiscard]] Result<void> change_mtu(int mtu) const { return change_mtu_of(name_, mtu); }
  static Result<void> change_mtu_of(const std::string& name, int mtu);
  static Result<void> set_up(const std::string& name);
  static Result<void> set_down(const std::string& name);

 private:
  explicit TunDevice(std::string name) : name_(std::move(name)) {}

  std::string name_;
  std::vector<TunQueue> queues_;
};

// Whether Linux takes `name` for an interface: 1 to 15 visible characters without '/', ':' and not "." or
// "..".
bool is_interface_name(std::string_view name);

}  // namespace isthmus::io
