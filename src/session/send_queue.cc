#include "session/send_queue.h"

#include "net/segmenter.h"

namespace isthmus::session {

void SendQueue::packet(const Packet& packet) {
  if (!packet.is_super() || packet.octets.size() <= longest_) return packets.enqueue(now_, packet);
  scratch_.assign(packet.octets.begin(), packet.octets.end());
  const auto queue = [this](MutableBytes piece, std::uint16_t segment_size) {
    packets.enqueue(now_, {piece, segment_size});
  };
  if (!cut(scratch_, packet.segment_size, longest_, queue)) ++malformed;
}

}  // namespace isthmus::session
