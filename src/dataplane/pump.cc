#include "dataplane/pump.h"

#include <algorithm>
#include <utility>

#include "esp/esp_format.h"
#include "io/boot_clock.h"
#include "net/ecn.h"
#include "net/segmenter.h"

namespace isthmus::dataplane {
namespace {

// A direction's turn: a quarter of a millisecond at most, and not more than stays in a processor's second
// cache.
constexpr std::size_t kOctetsPerTurn = 128 * 1024;
constexpr int kPacketsPerTurn = 256;
constexpr std::size_t kLeastTrains = 4;

Gatherer::Merges merges_for(io::TunOffloads offloads) {
  switch (offloads) {
    case io::TunOffloads::kNone:
      return Gatherer::Merges::kNothing;
    case io::TunOffloads::kTcp:
      return Gatherer::Merges::kTcp;
    case io::TunOffloads::kTcpAndUdp:
      return Gatherer::Merges::kTcpAndUdp;
  }
  return Gatherer::Merges::kNothing;
}

}  // namespace

Pump::Pump(io::TunQueue tun, io::UdpSocket socket, const esp::TunnelOptions& options)
    : tun_(std::move(tun)),
      socket_(std::move(socket)),
      tunnel_(options),
      gatherer_(merges_for(tun_.offloads())),
      super_(std::make_unique_for_overwrite<std::uint8_t[]>(io::TunQueue::kReadBuffer + esp::kTrailerRoom)) {}

void Pump::send_waiting() {
  is_blocked_ = !outbox_.send_all(socket_);
}

void Pump::drop_waiting() {
  outbox_full_ += outbox_.drop_all();
  is_blocked_ = false;
}

void Pump::carry_out() {
  send_waiting();
  std::size_t octets = 0;
  bool is_empty = false;
  for (int count = 0; count < kPacketsPerTurn && octets < kOctetsPerTurn && !is_blocked_; ++count) {
    const auto read = tun_.read({super_.get(), io::TunQueue::kReadBuffer});
    is_empty = !read;
    if (is_empty) break;
    octets += read->octets.size();
    seal(*read);
    is_blocked_ = !outbox_.send_full(socket_);
  }
  if (!is_blocked_) send_waiting();
  // The kernel does not tell how long a packet stood there, but whether any still does.
  const Duration waited = is_empty ? Duration{} : StandingQueue::kTarget;
  is_mark_due_ = at_tun_.marks(io::boot_now(), waited) || (is_mark_due_ && !is_empty);
}

void Pump::seal(const io::TunQueue::ReadPacket& read) {
  if (std::exchange(is_mark_due_, false)) mark(read.octets);
  if (read.segment_size == 0) return seal_one(read.octets);
  cut(read.octets, read.segment_size, 0, [this](MutableBytes piece, std::uint16_t) { seal_one(piece); });
}

// Of a super-packet whose sender does not understand marks one segment is enough to tell it.
void Pump::mark(MutableBytes packet) {
  is_drop_due_ = !mark_congestion(packet);
}

// `packet` lies in super_, where kTrailerRoom octets more follow any packet.
void Pump::seal_one(MutableBytes packet) {
  if (std::exchange(is_drop_due_, false)) {
    ++congested_;
    return;
  }
  const std::size_t size = esp::sealed_size(packet.size());
  MutableBytes room = outbox_.room(size);
  if (room.empty() && outbox_.send_all(socket_)) room = outbox_.room(size);
  if (room.empty()) {
    ++outbox_full_;
    return;
  }
  const auto sealed = tunnel_.seal({packet.data(), packet.size() + esp::kTrailerRoom}, room);
  if (sealed) outbox_.append(sealed->size, *tunnel_.remote(), sealed->traffic_class);
}

void Pump::carry_in() {
  const auto trains = socket_.receive(received_, trains_per_turn_);
  if (trains.empty()) return;
  const Instant now = io::boot_now();
  std::size_t octets = 0;
  const bool is_emptied = trains.size() < trains_per_turn_;
  for (const io::ReceivedTrain& train : trains) {
    octets += train.octets.size();
    // With nothing behind it a train stood in no queue, though it waited for this machine's processor (RFC
    // 8289 section 5.6).
    const bool is_last = is_emptied && &train == &trains.back();
    open_train(train, now, at_socket_.marks(now, is_last ? Duration{} : train.waited));
  }
  gatherer_.flush(kernel_);
  const std::size_t average = octets / trains.size() + 1;
  trains_per_turn_ = std::clamp(kOctetsPerTurn / average, kLeastTrains, io::ReceiveBuffers::kTrains);
  send_own();
}

// Of a train that waited too long the first datagram is marked: its packet goes on with Congestion
// Experienced, or, if its sender does not understand that, no further (RFC 3168 section 5).
void Pump::open_train(const io::ReceivedTrain& train, Instant now, bool is_marked_here) {
  MutableBytes rest = train.octets;
  do {  // once also for a datagram without an octet, which is counted like any other
    const MutableBytes datagram = rest.first(std::min(train.segment_size, rest.size()));
    rest = rest.subspan(datagram.size());
    const MutableBytes out =
        datagram.size() > esp::kHeaderSize ? datagram.subspan(esp::kHeaderSize) : MutableBytes{};
    const auto packet = tunnel_.open({.datagram = datagram,
                                      .from = train.from,
                                      .traffic_class = train.traffic_class,
                                      .is_marked_here = is_marked_here,
                                      .at = now,
                                      .to = train.to},
                                     out);
    if (packet) gatherer_.add(*packet, kernel_);
    is_marked_here = false;
  } while (!rest.empty());
}

void Pump::send_own() {
  queue_own();
  // What waits for room goes before, and only carry_out() says that there is some again.
  if (!is_blocked_) send_waiting();
}

void Pump::queue_own() {
  while (const auto own = tunnel_.next_datagram(outbox_.room(1)))
    outbox_.append_alone(own->size, own->to, own->from);
}

void Pump::Kernel::packet(const GatheredPacket& packet) {
  if (!pump.tun_.write(packet)) ++refused;
}

PumpCounters Pump::counters() const {
  return {.tun_refused = kernel_.refused,
          .tun_unreadable = tun_.unreadable(),
          .udp_refused = socket_.refused(),
          .udp_truncated = socket_.truncated(),
          .outbox_full = outbox_full_,
          .congested = congested_};
}

}  // namespace isthmus::dataplane
