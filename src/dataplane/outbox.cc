#include "dataplane/outbox.h"

#include <span>

namespace isthmus::dataplane {

Outbox::Outbox() : octets_(std::make_unique_for_overwrite<std::uint8_t[]>(kRoom)) {}

MutableBytes Outbox::room(std::size_t size) {
  if (count_ == kTrains || kRoom - end_ < size) return {};
  return {octets_.get() + end_, kRoom - end_};
}

void Outbox::append(std::size_t size, const Endpoint& to, std::uint8_t traffic_class) {
  const ConstBytes datagram = take(size);
  if (joins_last(size, to, traffic_class)) {
    io::Train& last = trains_[count_ - 1];
    last.octets = {last.octets.data(), last.octets.size() + size};
    return;
  }
  trains_[count_++] = {.octets = datagram, .segment_size = size, .to = to, .traffic_class = traffic_class};
  is_last_alone_ = false;
}

void Outbox::append_alone(std::size_t size, const Endpoint& to, const std::optional<IpAddress>& from) {
  trains_[count_++] = {.octets = take(size), .segment_size = size, .to = to, .from = from};
  is_last_alone_ = true;
}

ConstBytes Outbox::take(std::size_t size) {
  const ConstBytes datagram{octets_.get() + end_, size};
  end_ += size;
  return datagram;
}

bool Outbox::joins_last(std::size_t size, const Endpoint& to, std::uint8_t traffic_class) const {
  if (is_empty() || is_last_full()) return false;
  const io::Train& last = trains_[count_ - 1];
  return size <= last.segment_size && last.traffic_class == traffic_class && last.to == to;
}

// Nothing of its size would fit.
bool Outbox::is_last_full() const {
  const io::Train& last = trains_[count_ - 1];
  const std::size_t size = last.octets.size();
  return is_last_alone_ || size % last.segment_size != 0 ||
         size == io::kMaxTrainSegments * last.segment_size || size + last.segment_size > io::kMaxTrainOctets;
}

bool Outbox::send_full(io::UdpSocket& socket) {
  if (is_empty()) return true;
  return send(socket, is_last_full() ? count_ : count_ - 1);
}

bool Outbox::send_all(io::UdpSocket& socket) {
  return send(socket, count_);
}

std::size_t Outbox::drop_all() {
  std::size_t datagrams = 0;
  for (const io::Train& train : std::span{trains_}.first(count_).subspan(first_))
    datagrams += (train.octets.size() + train.segment_size - 1) / train.segment_size;
  first_ = count_ = end_ = 0;
  return datagrams;
}

bool Outbox::send(io::UdpSocket& socket, std::size_t trains) {
  std::span<io::Train> left = std::span{trains_}.first(trains).subspan(first_);
  if (left.empty()) return true;
  const bool is_sent = socket.send(left);
  first_ = trains - left.size();
  if (is_empty()) first_ = count_ = end_ = 0;
  return is_sent;
}

}  // namespace isthmus::dataplane
