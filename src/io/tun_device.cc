#include "io/tun_device.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "io/sysctl.h"

namespace isthmus::io {
namespace {

// Enough for a burst while the reader works, not so much that the queue itself becomes the delay.
constexpr int kTransmitQueueLength = 500;

// Of Linux 6.2, and so not in the headers of older systems. Both or none.
constexpr unsigned kOffloadUdp = 0x20U | 0x40U;
constexpr unsigned kOffloadTcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;

ifreq request_for(std::string_view name) {
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  return request;
}

Result<void> ask(int fd, unsigned long what, ifreq& request, const std::string& meaning) {
  if (::ioctl(fd, what, &request) == 0) return {};
  return fail_errno(errno, meaning + " of " + std::string{request.ifr_name});
}

Result<UniqueFd> open_clone_device() {
  UniqueFd fd{::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)};
  if (fd.is_open()) return fd;
  if (errno == ENOENT || errno == ENODEV || errno == ENXIO) {
    return fail(Error::Code::kUnsupported,
                "this machine has no /dev/net/tun: load the module with `modprobe tun`; a container must be "
                "given the device");
  }
  if (errno == EACCES || errno == EPERM) {
    return fail_errno(errno, "open /dev/net/tun (need root, or CAP_NET_ADMIN and access to the device)");
  }
  return fail_errno(errno, "open /dev/net/tun");
}

short flags_for(std::size_t queues) {
  const int several = queues > 1 ? IFF_MULTI_QUEUE : 0;
  return static_cast<short>(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | several);
}

Result<std::string> attach(int fd, std::string_view name, std::size_t queues) {
  ifreq request = request_for(name);
  // IFF_TUN_EXCL: without it a persistent interface of somebody else would be taken over.
  request.ifr_flags = static_cast<short>(flags_for(queues) | IFF_TUN_EXCL);
  if (::ioctl(fd, TUNSETIFF, &request) == 0) return std::string{request.ifr_name};

  const std::string shown{name};
  if (errno == EBUSY || errno == EEXIST) {
    return fail(Error::Code::kExists, "an interface " + shown + " exists already: choose another name");
  }
  if (errno == EINVAL) {
    return fail(Error::Code::kInvalid, "the kernel refuses \"" + shown + "\" as a TUN interface's name");
  }
  if (errno == EPERM) return fail_errno(EPERM, "make interface " + shown + " (need CAP_NET_ADMIN)");
  return fail_errno(errno, "make interface " + shown);
}

// Another queue of the interface that we have just made.
Result<UniqueFd> join(const std::string& name, std::size_t queues) {
  UniqueFd fd = TRY(open_clone_device());
  ifreq request = request_for(name);
  request.ifr_flags = flags_for(queues);
  TRY(ask(fd.get(), TUNSETIFF, request, "add a queue"));
  return fd;
}

// Of the whole interface, whichever of its queues is asked.
TunOffloads take_offloads(int fd, TunOffloads wished) {
  const bool wants_udp = wished == TunOffloads::kTcpAndUdp;
  if (wants_udp && ::ioctl(fd, TUNSETOFFLOAD, kOffloadTcp | kOffloadUdp) == 0) return TunOffloads::kTcpAndUdp;
  const bool wants_tcp = wished != TunOffloads::kNone;
  if (wants_tcp && ::ioctl(fd, TUNSETOFFLOAD, kOffloadTcp) == 0) return TunOffloads::kTcp;
  return TunOffloads::kNone;
}

// What the far side may not do to this machine through its own interface. Needs no undo: it goes with the
// interface. A kernel without IPv6, or without the key, has nothing to be told.
Result<void> quieten(const std::string& name) {
  const std::string v4 = "net.ipv4.conf." + name;
  const std::string v6 = "net.ipv6.conf." + name;
  const std::array<std::array<std::string, 2>, 4> settings{{{v6 + ".addr_gen_mode", "1"},
                                                            {v6 + ".accept_ra", "0"},
                                                            {v6 + ".accept_redirects", "0"},
                                                            {v4 + ".accept_redirects", "0"}}};
  const Sysctl sysctl;
  for (const auto& [key, value] : settings) {
    const Result<void> written = sysctl.write(key, value);
    if (!written && written.error().code != Error::Code::kNotFound) return written;
  }
  return {};
}

Result<UniqueFd> control_socket() {
  UniqueFd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!socket.is_open()) return fail_errno(errno, "open a socket to configure the interface");
  return socket;
}

Result<void> set_queue_length(const std::string& name) {
  const UniqueFd control = TRY(control_socket());
  ifreq request = request_for(name);
  request.ifr_qlen = kTransmitQueueLength;
  return ask(control.get(), SIOCSIFTXQLEN, request, "set the queue length");
}

Result<void> set_state(const std::string& name, TunState state) {
  const UniqueFd control = TRY(control_socket());
  ifreq request = request_for(name);
  TRY(ask(control.get(), SIOCGIFFLAGS, request, "read the flags"));
  const int others = request.ifr_flags & ~IFF_UP;
  request.ifr_flags = static_cast<short>(state == TunState::kUp ? others | IFF_UP : others);
  return ask(control.get(), SIOCSIFFLAGS, request,
             state == TunState::kUp ? "bring up the link" : "take down the link");
}

}  // namespace

Result<TunDevice> TunDevice::open(std::string_view name_or_pattern, int mtu, TunOffloads wished,
                                  std::size_t queues, TunState state) {
  std::string shape{name_or_pattern};
  if (const auto number = shape.find("%d"); number != std::string::npos) shape.replace(number, 2, "0");
  // A second '%' would be the kernel's to interpret.
  if (!is_interface_name(shape) || shape.find('%') != std::string::npos) {
    return fail(Error::Code::kInvalid, "\"" + std::string{name_or_pattern} +
                                           "\" cannot be an interface's name: 1 to 15 visible characters "
                                           "without '/', ':' and '%'");
  }
  UniqueFd first = TRY(open_clone_device());
  TunDevice device{TRY(attach(first.get(), name_or_pattern, queues))};
  const TunOffloads offloads = take_offloads(first.get(), wished);
  device.queues_.emplace_back(std::move(first), offloads);
  while (device.queues_.size() < queues)
    device.queues_.emplace_back(TRY(join(device.name_, queues)), offloads);
  TRY(device.change_mtu(mtu));
  TRY(quieten(device.name_));
  TRY(set_queue_length(device.name_));
  if (state == TunState::kUp) TRY(set_up(device.name_));
  return device;
}

TunDevice TunDevice::adopt(std::string name, TunOffloads offloads, std::vector<UniqueFd> queues) {
  TunDevice device{std::move(name)};
  for (UniqueFd& queue : queues) device.queues_.emplace_back(std::move(queue), offloads);
  return device;
}

Result<void> TunDevice::set_up(const std::string& name) {
  return set_state(name, TunState::kUp);
}

Result<void> TunDevice::set_down(const std::string& name) {
  return set_state(name, TunState::kDown);
}

Result<void> TunDevice::change_mtu_of(const std::string& name, int mtu) {
  const UniqueFd control = TRY(control_socket());
  ifreq request = request_for(name);
  request.ifr_mtu = mtu;
  return ask(control.get(), SIOCSIFMTU, request, "set the MTU " + std::to_string(mtu));
}

bool is_interface_name(std::string_view name) {
  if (name.empty() || name.size() >= IFNAMSIZ || name == "." || name == "..") return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return c > ' ' && c < '\x7f' && c != '/' && c != ':'; });
}

}  // namespace isthmus::io
