#include "io/tun_device.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "io/sysctl.h"
#include "io/vnet_header.h"

namespace isthmus::io {
namespace {

// Enough for a burst while the reader works, not so much that the queue itself becomes the delay.
constexpr int kTransmitQueueLength = 500;

// Of Linux 6.2, and so not in the headers of older systems. Both or none.
constexpr unsigned kOffloadUdp = 0x20U | 0x40U;
constexpr unsigned kOffloadTcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;

// One read gives up after so many unreadable packets: the descriptor stays readable, and others get their
// turn.
constexpr int kUnreadableAtOnce = 16;

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

Result<std::string> attach(int fd, std::string_view name) {
  ifreq request = request_for(name);
  // IFF_TUN_EXCL: without it a persistent interface of somebody else would be taken over.
  request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | static_cast<short>(IFF_TUN_EXCL);
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

TunOffloads take_offloads(int fd, TunOffloads wished) {
  const bool wants_udp = wished == TunOffloads::kTcpAndUdp;
  if (wants_udp && ::ioctl(fd, TUNSETOFFLOAD, kOffloadTcp | kOffloadUdp) == 0) return TunOffloads::kTcpAndUdp;
  const bool wants_tcp = wished != TunOffloads::kNone;
  if (wants_tcp && ::ioctl(fd, TUNSETOFFLOAD, kOffloadTcp) == 0) return TunOffloads::kTcp;
  return TunOffloads::kNone;
}

iovec part(ConstBytes octets) {
  return {const_cast<std::uint8_t*>(octets.data()), octets.size()};
}

// A TUN takes a packet whole or not at all.
bool write_parts(int fd, const VnetHeader& vnet, ConstBytes header, ConstBytes payload) {
  const ConstBytes before{reinterpret_cast<const std::uint8_t*>(&vnet), sizeof vnet};
  const std::array<iovec, 3> parts{part(before), part(header), part(payload)};
  return ::writev(fd, parts.data(), static_cast<int>(parts.size())) >= 0;
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

Result<void> bring_up(const std::string& name) {
  const UniqueFd control = TRY(control_socket());
  ifreq request = request_for(name);
  request.ifr_qlen = kTransmitQueueLength;
  TRY(ask(control.get(), SIOCSIFTXQLEN, request, "set the queue length"));
  request = request_for(name);
  TRY(ask(control.get(), SIOCGIFFLAGS, request, "read the flags"));
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  return ask(control.get(), SIOCSIFFLAGS, request, "bring up the link");
}

}  // namespace

Result<TunDevice> TunDevice::open(std::string_view name_or_pattern, int mtu, TunOffloads wished) {
  std::string shape{name_or_pattern};
  if (const auto number = shape.find("%d"); number != std::string::npos) shape.replace(number, 2, "0");
  // A second '%' would be the kernel's to interpret.
  if (!is_interface_name(shape) || shape.find('%') != std::string::npos) {
    return fail(Error::Code::kInvalid, "\"" + std::string{name_or_pattern} +
                                           "\" cannot be an interface's name: 1 to 15 visible characters "
                                           "without '/', ':' and '%'");
  }
  UniqueFd fd = TRY(open_clone_device());
  TunDevice device{std::move(fd), ""};
  device.name_ = TRY(attach(device.fd(), name_or_pattern));
  device.offloads_ = take_offloads(device.fd(), wished);
  TRY(device.change_mtu(mtu));
  TRY(quieten(device.name_));
  TRY(bring_up(device.name_));
  return device;
}

Result<void> TunDevice::change_mtu(int mtu) const {
  const UniqueFd control = TRY(control_socket());
  ifreq request = request_for(name_);
  request.ifr_mtu = mtu;
  return ask(control.get(), SIOCSIFMTU, request, "set the MTU " + std::to_string(mtu));
}

std::optional<TunDevice::ReadPacket> TunDevice::read(MutableBytes buffer) {
  for (int count = 0; count < kUnreadableAtOnce; ++count) {
    VnetHeader vnet;
    const std::array<iovec, 2> parts{iovec{&vnet, sizeof vnet}, part(buffer)};
    const ssize_t length = ::readv(fd_.get(), parts.data(), static_cast<int>(parts.size()));
    if (length < 0) return std::nullopt;
    const std::size_t size = static_cast<std::size_t>(length);
    const bool is_whole = size > sizeof vnet && size - sizeof vnet <= buffer.size();
    const MutableBytes octets = is_whole ? buffer.first(size - sizeof vnet) : MutableBytes{};
    const std::optional<std::uint16_t> segment_size =
        is_whole ? accept_packet(vnet, octets) : std::optional<std::uint16_t>{};
    if (segment_size) return ReadPacket{octets, *segment_size};
    ++unreadable_;
  }
  return std::nullopt;
}

bool TunDevice::write(const Packet& packet) {
  if (!packet.is_super()) return write_parts(fd_.get(), VnetHeader{}, {}, packet.octets);
  if (cuts(packet)) return write_pieces(packet);
  const std::optional<VnetHeaders> made = make_vnet_headers(packet.octets, packet.segment_size);
  if (!made) return false;
  const std::size_t header = made->vnet.header_length;
  const bool is_taken = write_parts(fd_.get(), made->vnet, ConstBytes{made->headers}.first(header),
                                    packet.octets.subspan(header));
  // A train of more datagrams than this kernel takes at once.
  return is_taken || (errno == EINVAL && write_pieces(packet));
}

// Whether the kernel would not: one too old to read super-packets of UDP does not take them either.
bool TunDevice::cuts(const Packet& super) const {
  if (offloads_ == TunOffloads::kTcpAndUdp) return false;
  const std::optional<TransportView> view = view_transport(super.octets);
  return offloads_ == TunOffloads::kNone || (view && view->protocol == Transport::kUdp);
}

bool TunDevice::write_pieces(const Packet& super) {
  std::optional<Segmenter> segmenter = Segmenter::begin(super.octets, super.segment_size, 0);
  if (!segmenter) return false;
  bool are_taken = true;
  while (const auto piece = segmenter->next())
    are_taken = write_parts(fd_.get(), VnetHeader{}, piece->header, piece->payload) && are_taken;
  return are_taken;
}

bool is_interface_name(std::string_view name) {
  if (name.empty() || name.size() >= IFNAMSIZ || name == "." || name == "..") return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return c > ' ' && c < '\x7f' && c != '/' && c != ':'; });
}

}  // namespace isthmus::io
