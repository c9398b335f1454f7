#include "io/control_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/guard.h"
#include "io/boot_clock.h"
#include "io/send_descriptors.h"

namespace isthmus::io {
namespace {

constexpr int kBacklog = 16;
constexpr std::size_t kAncillarySize = CMSG_SPACE(sizeof(int) * kMaxControlFds);

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return fail(Error::Code::kInvalid, "control socket '" + path + "': the path is too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

Result<UniqueFd> make_socket() {
  UniqueFd socket_fd{socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket_fd.is_open()) return fail_errno(errno, "make a control socket");
  return socket_fd;
}

bool is_same_file(int fd, const std::string& path) {
  struct stat opened{};
  struct stat named{};
  return fstat(fd, &opened) == 0 && lstat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

// The lock's file goes with its holder, so a lock may be taken on a file that has just been removed: only one
// that still has its name counts.
Result<UniqueFd> take_lock(const std::string& path) {
  constexpr int kAttempts = 16;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    UniqueFd lock{open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!lock.is_open()) return fail_errno(errno, "open " + path);
    if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK)
        return fail(Error::Code::kExists, "lock " + path + ": another process of ours holds it");
      return fail_errno(errno, "lock " + path);
    }
    if (is_same_file(lock.get(), path)) return lock;
  }
  return fail(Error::Code::kExists, "lock " + path + ": other processes keep making and removing it");
}

// Every descriptor of the message, each owned, so that no surplus stays open.
std::vector<UniqueFd> take_descriptors(msghdr& header) {
  std::vector<UniqueFd> fds;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      fds.emplace_back(fd);
    }
  }
  return fds;
}

bool means_gone(int os_errno) {
  return os_errno == EPIPE || os_errno == ECONNRESET || os_errno == ENOTCONN || os_errno == ECONNREFUSED;
}

}  // namespace

ControlConnection::ControlConnection(UniqueFd socket) : socket_(std::move(socket)) {
  fcntl(socket_.get(), F_SETFL, fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
  fcntl(socket_.get(), F_SETFD, FD_CLOEXEC);
}

Result<ControlConnection> ControlConnection::connect(const std::string& path) {
  const sockaddr_un address = TRY(address_of(path));
  UniqueFd socket_fd = TRY(make_socket());
  if (::connect(socket_fd.get(), generic(address), sizeof address) == 0)
    return ControlConnection{std::move(socket_fd)};
  const std::string what = "connect to " + path;
  if (errno == ENOENT) return fail(Error::Code::kNotFound, what + ": no such socket");
  if (errno == ECONNREFUSED) return fail(Error::Code::kClosed, what + ": nobody listens any more");
  return fail_errno(errno, what);
}

Result<ControlConnection::Pair> ControlConnection::make_pair() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail_errno(errno, "make a pair of control sockets");
  return Pair{ControlConnection{UniqueFd{ends[0]}}, ControlConnection{UniqueFd{ends[1]}}};
}

Result<PeerCredentials> ControlConnection::peer() const {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(fd(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return fail_errno(errno, "ask who is at the control socket");
  return PeerCredentials{credentials.pid, credentials.uid, credentials.gid};
}

Result<void> ControlConnection::send(std::string_view payload, std::span<const int> fds) {
  if (payload.empty() || payload.size() > kMaxControlPayload || fds.size() > kMaxControlFds)
    return fail(Error::Code::kInvalid, "a control message has 1 to 65536 octets and up to 8 descriptors");
  if (send_descriptors(fd(), payload, fds) >= 0) return {};
  if (errno == EAGAIN) return fail(Error::Code::kTimeout, "control socket: the other end does not keep up");
  if (means_gone(errno)) return fail(Error::Code::kClosed, "control socket: the other end is gone");
  return fail_errno(errno, "send on a control socket");
}

Result<std::optional<ControlMessage>> ControlConnection::receive() {
  std::string payload(kMaxControlPayload, '\0');
  iovec octets{payload.data(), payload.size()};
  alignas(cmsghdr) std::array<char, kAncillarySize> ancillary{};
  msghdr header{};
  header.msg_iov = &octets;
  header.msg_iovlen = 1;
  header.msg_control = ancillary.data();
  header.msg_controllen = ancillary.size();
  const ssize_t count = recvmsg(fd(), &header, MSG_CMSG_CLOEXEC);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return std::optional<ControlMessage>{};
  if (count < 0 && !means_gone(errno)) return fail_errno(errno, "receive on a control socket");
  std::vector<UniqueFd> fds;
  if (count >= 0) fds = take_descriptors(header);
  if (count <= 0) return fail(Error::Code::kClosed, "control socket: the other end is gone");
  // A process that may open no more gets the message without them, or without some.
  if ((header.msg_flags & MSG_CTRUNC) != 0 && fds.size() < kMaxControlFds)
    return fail_errno(EMFILE, "control socket: take the descriptors of a message");
  // The kernel has closed what did not fit; alignment may have let in one more than we meant to allow.
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || fds.size() > kMaxControlFds)
    return fail(Error::Code::kProtocol, "control socket: a message was too large");
  payload.resize(static_cast<std::size_t>(count));
  return ControlMessage{std::move(payload), std::move(fds)};
}

Result<ControlMessage> ControlConnection::receive_within(Duration timeout) {
  const Instant deadline = boot_now() + timeout;
  while (true) {
    std::optional<ControlMessage> message = TRY(receive());
    if (message) return std::move(*message);
    const Duration left = deadline - boot_now();
    if (left <= Duration::zero()) return fail(Error::Code::kTimeout, "control socket: no answer in time");
    pollfd waited{fd(), POLLIN, 0};
    poll(&waited, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
  }
}

Result<ControlMessage> ControlConnection::wait() {
  while (true) {
    std::optional<ControlMessage> message = TRY(receive());
    if (message) return std::move(*message);
    pollfd waited{fd(), POLLIN, 0};
    poll(&waited, 1, -1);
  }
}

ControlListener::ControlListener(std::string path, UniqueFd lock, UniqueFd socket)
    : path_(std::move(path)), lock_(std::move(lock)), socket_(std::move(socket)) {}

Result<ControlListener> ControlListener::listen(const std::string& path) {
  const sockaddr_un address = TRY(address_of(path));
  UniqueFd lock = TRY(take_lock(path + ".lock"));
  UniqueFd socket_fd = TRY(make_socket());
  // Whoever made a file of that name is dead, for we hold the lock.
  unlink(path.c_str());
  // Before bind: the file has this mode from its first moment, whatever the umask.
  if (fchmod(socket_fd.get(), 0600) != 0 || bind(socket_fd.get(), generic(address), sizeof address) != 0)
    return fail_errno(errno, "make control socket " + path);
  if (::listen(socket_fd.get(), kBacklog) != 0) return fail_errno(errno, "listen on " + path);
  return ControlListener{path, std::move(lock), std::move(socket_fd)};
}

ControlListener::~ControlListener() {
  if (!lock_.is_open()) return;
  unlink(path_.c_str());
  unlink((path_ + ".lock").c_str());
}

Result<std::optional<ControlConnection>> ControlListener::accept() {
  UniqueFd peer_fd{accept4(fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  if (!peer_fd.is_open()) {
    const bool is_passing = errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
    if (is_passing) return std::optional<ControlConnection>{};
    return fail_errno(errno, "accept on " + path_);
  }
  ControlConnection connection{std::move(peer_fd)};
  const PeerCredentials peer = TRY(connection.peer());
  if (!guard<Guard::kControlPeer>(peer.uid == 0 || peer.uid == geteuid()))
    return fail(Error::Code::kRefused,
                "control socket: user " + std::to_string(peer.uid) + " may not use it");
  return connection;
}

}  // namespace isthmus::io
