// A TUN interface of our own: packets to us are read from its descriptor, packets from us are written to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "io/unique_fd.h"
#include "net/packet.h"

namespace isthmus::io {

// "isth%d" lets the kernel choose the number.
inline constexpr std::string_view kTunNamePattern = "isth%d";

// What the kernel leaves to whoever reads the interface: checksums and the cutting up of super-packets. Each
// has all of those before it.
enum class TunOffloads : std::uint8_t { kNone, kTcp, kTcpAndUdp };

class TunDevice {
 public:
  // Makes a new interface (never joins one that exists), gives it `mtu` and brings it up. It carries no
  // address: the kernel is told not to invent a link-local one, since IPV6CP agrees on it, and not to believe
  // router advertisements or redirects that come out of the tunnel. kExists if the name is taken, kInvalid if
  // it cannot be a name, kUnsupported without /dev/net/tun, kSystem with a hint otherwise. Of `wished` it
  // gets what the kernel has: Linux knows those of UDP since 6.2.
  static Result<TunDevice> open(std::string_view name_or_pattern, int mtu,
                                TunOffloads wished = TunOffloads::kTcpAndUdp);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] TunOffloads offloads() const { return offloads_; }
  // To wait on, non-blocking and close-on-exec. The interface, with its addresses and routes, goes when it is
  // closed.
  [[nodiscard]] int fd() const { return fd_.get(); }

  // The octets lie in the buffer; with `segment_size` 0 all checksums are complete.
  struct ReadPacket {
    MutableBytes octets;
    std::uint16_t segment_size = 0;
  };
  // The next packet, or super-packet, that the kernel sends into the tunnel; empty if there is none now.
  // `buffer` takes kReadBuffer octets.
  std::optional<ReadPacket> read(MutableBytes buffer);
  static constexpr std::size_t kReadBuffer = kMaxPacket + 512;
  // Hands one to the kernel; false if that does not take it (interface down, queue full), or if it says to be
  // a super-packet and is none. The octets stay as they are.
  bool write(const Packet& packet);
  // Those read that were super-packets of a form we do not know, or nothing at all.
  [[nodiscard]] std::uint64_t unreadable() const { return unreadable_; }

  // For IPCP's and LCP's result: changes the MTU of the living interface.
  [[nodiscard]] Result<void> change_mtu(int mtu) const;

 private:
  TunDevice(UniqueFd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}
  [[nodiscard]] bool cuts(const Packet& super) const;
  bool write_pieces(const Packet& super);

  UniqueFd fd_;
  std::string name_;
  TunOffloads offloads_ = TunOffloads::kNone;
  std::uint64_t unreadable_ = 0;
};

// Whether Linux takes `name` for an interface: 1 to 15 visible characters without '/', ':' and not "." or
// "..".
bool is_interface_name(std::string_view name);

}  // namespace isthmus::io
