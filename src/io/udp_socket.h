// A UDP socket for many datagrams at a time: trains of equal ones go to the kernel, and come from it, in one
// piece (UDP_SEGMENT, UDP_GRO).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "io/unique_fd.h"
#include "net/endpoint.h"

namespace isthmus::io {

// What one call of the kernel takes: UDP_MAX_SEGMENTS (later Linux takes 128), and what an IPv4 packet holds.
inline constexpr std::size_t kMaxTrainSegments = 64;
inline constexpr std::size_t kMaxTrainOctets = 65507;

// Datagrams to be sent, one behind the other; all have `segment_size` octets but the last, which may have
// fewer. At most kMaxTrainSegments and kMaxTrainOctets of them.
struct Train {
  ConstBytes octets;
  std::size_t segment_size = 0;
  Endpoint to;
  std::uint8_t traffic_class = 0;  // of the IP header: DSCP and ECN
  // An address of this machine's, of the family of `to`, to send from; else the kernel chooses one.
  std::optional<IpAddress> from = {};
};

struct ReceivedTrain {
  MutableBytes octets;  // lie in the ReceiveBuffers
  std::size_t segment_size = 0;
  Endpoint from;
  std::uint8_t traffic_class = 0;
  Duration waited{};                 // since the kernel took it in, if that can be told
  std::optional<IpAddress> to = {};  // the address of this machine's that it came to
};

// What is known of a datagram of ours that did not arrive: by an ICMP message, which anybody may forge, or by
// this machine itself.
struct PathError {
  Endpoint to;
  int os_errno = 0;  // EMSGSIZE, ECONNREFUSED, EHOSTUNREACH…
  bool is_local = false;
  // The first four octets of the datagram, if so much of it was quoted: of ESP its SPI.
  std::optional<std::uint32_t> first_word;
  // With EMSGSIZE: the largest IP packet that the next hop takes.
  std::optional<std::size_t> mtu;
};

// Where datagrams are received; what was there before is gone with the next call. Allocates all it needs.
class ReceiveBuffers {
 public:
  static constexpr std::size_t kTrains = 64;
  ReceiveBuffers();
  ~ReceiveBuffers();
  ReceiveBuffers(ReceiveBuffers&&) noexcept;
  ReceiveBuffers& operator=(ReceiveBuffers&&) noexcept;

 private:
  friend class UdpSocket;
  struct Messages;
  std::unique_ptr<Messages> messages_;
};

class UdpSocket {
 public:
  // Bound to `local`, port 0 for one of the kernel's choice. An unspecified address of either family means
  // both: one IPv6 socket that takes IPv4 as well, on a machine without IPv6 one of IPv4. Non-blocking; sends
  // with DF (IPv6: unfragmented) and believes no ICMP message about sizes, but tells of it (read_error).
  // `mark`, unless 0, is for policy rules.
  static Result<UdpSocket> open(const Endpoint& local, std::uint32_t mark = 0);
  // As many on one port, which is theirs alone: kExists if somebody has it already. A datagram goes to the
  // socket whose index is its first word modulo their number, ESP's SPI; one shorter than that, or with a
  // first word of 0 (not ESP, RFC 3948 section 2.2), to the first socket.
  static Result<std::vector<UdpSocket>> open_group(const Endpoint& local, std::size_t count,
                                                   std::uint32_t mark = 0);

  // One that another process has opened so.
  static Result<UdpSocket> adopt(UniqueFd fd);

  UdpSocket(UdpSocket&&) noexcept;
  UdpSocket& operator=(UdpSocket&&) noexcept;
  ~UdpSocket();

  // To wait on. EPOLLERR means that read_error() has something to say.
  [[nodiscard]] int fd() const { return fd_.get(); }
  // For another process, which adopts it.
  UniqueFd take_fd() { return std::move(fd_); }
  [[nodiscard]] Result<Endpoint> local() const;

  // Sends, and takes what the kernel has taken or refused from the front of `trains` (of a train perhaps only
  // a part). True when nothing is left, false when the kernel has no room now.
  [[nodiscard]] bool send(std::span<Train>& trains);
  // What has arrived, at most `most` trains, at most ReceiveBuffers::kTrains; valid until the next call.
  std::span<const ReceivedTrain> receive(ReceiveBuffers& buffers, std::size_t most);
  // The next entry of the error queue, empty when there is none.
  std::optional<PathError> read_error();
  // Whether errors come into that queue, as they do at first. While they do not, the kernel throws ICMP
  // messages away, with what waits, and no call fails for them.
  void hear_errors(bool wished);

  // Datagrams that the kernel did not take or at once dropped: too long, no route, full queue, a firewall.
  [[nodiscard]] std::uint64_t refused() const { return refused_; }
  // Datagrams longer than any that can be received whole.
  [[nodiscard]] std::uint64_t truncated() const { return truncated_; }
  // Where trains have to be sent datagram by datagram, since the kernel or the device cuts none up.
  [[nodiscard]] const std::optional<Endpoint>& uncut_towards() const { return uncut_towards_; }

 private:
  struct Outgoing;  // messages for the kernel
  UdpSocket(UniqueFd fd, Family family);
  enum class Port : std::uint8_t { kOwn, kOfGroup };
  static Result<UdpSocket> open_one(const Endpoint& local, std::uint32_t mark, Port port);
  std::size_t prepare(std::span<const Train> trains);
  void take_from(std::span<Train>& trains, std::size_t messages) const;
  bool pass_over_error(std::span<Train>& trains, int error, int tries);

  UniqueFd fd_;
  Family family_;
  std::unique_ptr<Outgoing> outgoing_;
  std::optional<Endpoint> uncut_towards_;
  std::uint64_t refused_ = 0;
  std::uint64_t truncated_ = 0;
};

}  // namespace isthmus::io
