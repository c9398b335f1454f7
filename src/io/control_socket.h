// Messages with descriptors between our own processes: UNIX SOCK_SEQPACKET sockets in the runtime directory.
#pragma once

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/unique_fd.h"

namespace isthmus::io {

inline constexpr std::size_t kMaxControlPayload = 65536;
inline constexpr std::size_t kMaxControlFds = 8;

struct ControlMessage {
  std::string payload;        // never empty
  std::vector<UniqueFd> fds;  // close-on-exec
};

struct PeerCredentials {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

class ControlConnection {
 public:
  // kNotFound: no such socket file; kClosed: nobody listens on it any more.
  static Result<ControlConnection> connect(const std::string& path);
  // Two ends joined to each other, for a child process.
  struct Pair;
  static Result<Pair> make_pair();
  // `socket` is a connected SOCK_SEQPACKET socket; it is made non-blocking and close-on-exec.
  explicit ControlConnection(UniqueFd socket);

  // Readable when a message, or the end, is there.
  [[nodiscard]] int fd() const { return socket_.get(); }
  UniqueFd take_fd() { return std::move(socket_); }
  [[nodiscard]] Result<PeerCredentials> peer() const;

  // Never waits: kTimeout when the other end does not keep up, kClosed when it is gone, kInvalid for an empty
  // or too large message. `fds` stay the caller's; the other end gets duplicates.
  Result<void> send(std::string_view payload, std::span<const int> fds = {});
  // nullopt: nothing there yet. kClosed: the other end is gone. kProtocol: more octets or descriptors than
  // are allowed; kSystem: more descriptors than this process may have. All of them are then closed, and the
  // message is lost.
  Result<std::optional<ControlMessage>> receive();
  // For clients without a loop: waits up to `timeout`, then kTimeout.
  Result<ControlMessage> receive_within(Duration timeout);
  // As long as it takes: the other end may have to wait for a program, or a person. One that is gone is
  // noticed at once.
  Result<ControlMessage> wait();

 private:
  UniqueFd socket_;
};

struct ControlConnection::Pair {
  ControlConnection ours, theirs;
};

// Exists once per path and machine: holds a lock beside the socket as long as it lives, and removes both at
// its end.
class ControlListener {
 public:
  // The socket has mode 0600. A socket file without a living owner is replaced; kExists if it has one.
  static Result<ControlListener> listen(const std::string& path);

  ControlListener(ControlListener&&) noexcept = default;
  ControlListener& operator=(ControlListener&&) = delete;
  ControlListener(const ControlListener&) = delete;
  ControlListener& operator=(const ControlListener&) = delete;
  ~ControlListener();

  // Readable when a connection waits.
  [[nodiscard]] int fd() const { return socket_.get(); }
  // nullopt: none waits. kRefused: the peer was neither root nor our own user, and has been closed.
  Result<std::optional<ControlConnection>> accept();

 private:
  ControlListener(std::string path, UniqueFd lock, UniqueFd socket);

  std::string path_;
  UniqueFd lock_, socket_;
};

}  // namespace isthmus::io
