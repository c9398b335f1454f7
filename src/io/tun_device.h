// A TUN interface of our own: packets to us are read from its descriptor, packets from us are written to it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "io/unique_fd.h"

namespace isthmus::io {

// "isth%d" lets the kernel choose the number.
inline constexpr std::string_view kTunNamePattern = "isth%d";

class TunDevice {
 public:
  // Makes a new interface (never joins one that exists), gives it `mtu` and brings it up. It carries no
  // address: the kernel is told not to invent a link-local one, since IPV6CP agrees on it, and not to believe
  // router advertisements or redirects that come out of the tunnel. kExists if the name is taken, kInvalid if
  // it cannot be a name, kUnsupported without /dev/net/tun, kSystem with a hint otherwise.
  static Result<TunDevice> open(std::string_view name_or_pattern, int mtu);

  [[nodiscard]] const std::string& name() const { return name_; }
  // Non-blocking and close-on-exec. The interface, with its addresses and routes, goes when it is closed.
  [[nodiscard]] int fd() const { return fd_.get(); }
  // For IPCP's and LCP's result: changes the MTU of the living interface.
  [[nodiscard]] Result<void> change_mtu(int mtu) const;

 private:
  TunDevice(UniqueFd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}

  UniqueFd fd_;
  std::string name_;
};

// Whether Linux takes `name` for an interface: 1 to 15 visible characters without '/', ':' and not "." or
// "..".
bool is_interface_name(std::string_view name);

}  // namespace isthmus::io
