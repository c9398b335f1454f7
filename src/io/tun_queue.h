// One queue of a TUN interface: packets to us are read from its descriptor, packets from us are written to
// it.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "io/unique_fd.h"
#include "net/gatherer.h"
#include "net/packet.h"

namespace isthmus::io {

// What the kernel leaves to whoever reads the interface: checksums and the cutting up of super-packets. Each
// has all of those before it.
enum class TunOffloads : std::uint8_t { kNone, kTcp, kTcpAndUdp };

class TunQueue {
 public:
  // `fd` is one of an interface with a vnet header and these offloads.
  TunQueue(UniqueFd fd, TunOffloads offloads) : fd_(std::move(fd)), offloads_(offloads) {}

  // The same queue for a thread of its own. Either may read: a packet goes to one of them.
  [[nodiscard]] Result<TunQueue> duplicate() const;

  [[nodiscard]] TunOffloads offloads() const { return offloads_; }
  // To wait on, non-blocking and close-on-exec.
  [[nodiscard]] int fd() const { return fd_.get(); }
  // For another process: this object reads and writes nothing any more.
  UniqueFd take_fd() { return std::move(fd_); }

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
  // The same for one in pieces, at most kMaxPieces. A super-packet is taken for what it says it is, and must
  // be one that the kernel takes.
  bool write(const GatheredPacket& packet);
  static constexpr std::size_t kMaxPieces = Gatherer::kMaxSegments;
  // Those read that were super-packets of a form we do not know, or nothing at all.
  [[nodiscard]] std::uint64_t unreadable() const { return unreadable_; }

 private:
  [[nodiscard]] bool cuts(const Packet& super) const;
  bool write_pieces(const Packet& super);

  UniqueFd fd_;
  TunOffloads offloads_;
  std::uint64_t unreadable_ = 0;
};

}  // namespace isthmus::io
