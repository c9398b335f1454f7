#include "io/tun_queue.h"

#include <fcntl.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>

#include "io/vnet_header.h"
#include "net/segmenter.h"

namespace isthmus::io {
namespace {

// One read gives up after so many unreadable packets: the descriptor stays readable, and others get their
// turn.
constexpr int kUnreadableAtOnce = 16;

iovec part(ConstBytes octets) {
  return {const_cast<std::uint8_t*>(octets.data()), octets.size()};
}

// A TUN takes a packet whole or not at all.
bool write_parts(int fd, const VnetHeader& vnet, ConstBytes header, ConstBytes payload) {
  const ConstBytes before{reinterpret_cast<const std::uint8_t*>(&vnet), sizeof vnet};
  const std::array<iovec, 3> parts{part(before), part(header), part(payload)};
  return ::writev(fd, parts.data(), static_cast<int>(parts.size())) >= 0;
}

}  // namespace

Result<TunQueue> TunQueue::duplicate() const {
  UniqueFd fd{::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0)};
  if (!fd.is_open()) return fail_errno(errno, "duplicate a TUN queue's descriptor");
  return TunQueue{std::move(fd), offloads_};
}

std::optional<TunQueue::ReadPacket> TunQueue::read(MutableBytes buffer) {
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

bool TunQueue::write(const Packet& packet) {
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

bool TunQueue::write(const GatheredPacket& packet) {
  if (packet.segment_size == 0) return write_parts(fd_.get(), VnetHeader{}, {}, packet.first);
  const VnetHeaders made = make_vnet_headers({.headers = packet.first,
                                              .view = packet.view,
                                              .segment_size = packet.segment_size,
                                              .size = packet.size});
  const std::size_t header = made.vnet.header_length;
  std::array<iovec, kMaxPieces + 2> parts;
  parts[0] = part({reinterpret_cast<const std::uint8_t*>(&made.vnet), sizeof made.vnet});
  parts[1] = part(ConstBytes{made.headers}.first(header));
  parts[2] = part(packet.first.subspan(header));
  std::size_t count = 3;
  for (const ConstBytes piece : packet.rest) parts[count++] = part(piece);
  return ::writev(fd_.get(), parts.data(), static_cast<int>(count)) >= 0;
}

// Whether the kernel would not: one too old to read super-packets of UDP does not take them either.
bool TunQueue::cuts(const Packet& super) const {
  if (offloads_ == TunOffloads::kTcpAndUdp) return false;
  const std::optional<TransportView> view = view_transport(super.octets);
  return offloads_ == TunOffloads::kNone || (view && view->protocol == Transport::kUdp);
}

bool TunQueue::write_pieces(const Packet& super) {
  std::optional<Segmenter> segmenter = Segmenter::begin(super.octets, super.segment_size, 0);
  if (!segmenter) return false;
  bool are_taken = true;
  while (const auto piece = segmenter->next())
    are_taken = write_parts(fd_.get(), VnetHeader{}, piece->header, piece->payload) && are_taken;
  return are_taken;
}

}  // namespace isthmus::io
