#include "session/send_queue.h"

#include "net/segmenter.h"

namespace isthmus::session {
namespace {

// Where the stream is so slow that super-packets are kept shorter than this, merging would be for nothing.
constexpr std::size_t kWorthMerging = 8 * 1024;

}  // namespace

void SendQueue::enqueue(Instant now, const Packet& packet, std::size_t longest) {
  now_ = now;
  longest_ = longest;
  if (longest < kWorthMerging) return this->packet(packet);
  merging_.add(packet, *this);
}

void SendQueue::end_turn(Instant now, std::size_t longest) {
  now_ = now;
  longest_ = longest;
  merging_.flush(*this);
}

void SendQueue::packet(const Packet& packet) {
  if (!packet.is_super() || packet.octets.size() <= longest_) return packets_.enqueue(now_, packet);
  scratch_.assign(packet.octets.begin(), packet.octets.end());
  const auto queue = [this](MutableBytes piece, std::uint16_t segment_size) {
    packets_.enqueue(now_, {piece, segment_size});
  };
  if (!cut(scratch_, packet.segment_size, longest_, queue)) ++malformed_;
}

void SendQueue::clear() {
  merging_.flush(*this);
  packets_.clear();
}

std::uint64_t SendQueue::dropped() const {
  return packets_.counters().dropped + packets_.counters().dropped_for_room + malformed_;
}

}  // namespace isthmus::session
