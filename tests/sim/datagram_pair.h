// Two ends of a session as far as the datagram path goes: DatagramPath, real Tunnels, an ssh stream, and the
// world between them; packets go as the paths say.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/seeded_random.h"
#include "esp/esp_format.h"
#include "esp/tunnel.h"
#include "net/big_endian.h"
#include "net/test_packets.h"
#include "session/datagram_path.h"
#include "udp_world.h"

namespace isthmus::session::testing {

inline constexpr std::size_t kCaller = 0, kCalled = 1;
inline constexpr Duration kStep = std::chrono::milliseconds{5};

struct DatagramEnd {
  std::unique_ptr<DatagramPath> path;
  std::vector<esp::Tunnel> tunnels;
  Way way = Way::kStream;
  std::size_t inner_mtu = 0;
  std::vector<std::size_t> inner_mtus;        // each that it was told
  std::vector<std::pair<Instant, Way>> ways;  // each change
  std::size_t remotes_set = 0;                // SetRemotes, of all workers
  std::set<std::uint32_t> received;
  std::uint64_t by_datagram = 0, by_stream = 0, by_nothing = 0;  // packets sent
  std::map<esp::Drop, int> drops;                                // of packets, but for copies

  [[nodiscard]] PathCounts counts() const {
    PathCounts counts;
    for (const esp::Tunnel& tunnel : tunnels) {
      counts.packets_sent += tunnel.counters().packets_sent;
      counts.dummies_sent += tunnel.counters().dummies_sent;
      counts.packets_received += tunnel.counters().packets_received;
      for (const esp::SaStatus& sa : tunnel.status()) counts.add(sa);
    }
    return counts;
  }
};

class DatagramPair {
 public:
  explicit DatagramPair(std::uint64_t seed, std::size_t caller_workers = 1, std::size_t called_workers = 1)
      : world(seed), random_(seed + 1000) {
    world.hosts[kCaller] = {{address("203.0.113.5"), address("2001:db8:5::5")}, 40000, {}};
    world.hosts[kCalled] = {{address("192.0.2.1"), address("2001:db8::1")}, 22, {}};
    options_[kCaller] = options(keying::Role::kCaller, caller_workers);
    options_[kCalled] = options(keying::Role::kCalled, called_workers);
    facts[kCaller].ssh_peers = {address("192.0.2.1")};
    facts[kCalled].ssh_peers = {address("203.0.113.5")};
  }

  UdpWorld world;
  DatagramEnd ends[2];
  PathFacts facts[2];
  Instant now{std::chrono::seconds{5000}};
  Duration stream_latency = std::chrono::milliseconds{12};

  PathOptions& options_of(std::size_t end) { return options_[end]; }

  void begin() {
    for (const std::size_t end : {kCaller, kCalled}) start(end);
    stream_up();
  }
  // The process of an end, anew.
  void start(std::size_t end) {
    DatagramEnd& one = ends[end];
    options_[end].port = world.hosts[end].port;
    options_[end].own_addresses = world.hosts[end].addresses;
    one.path = std::make_unique<DatagramPath>(options_[end], random_);
    one.tunnels.clear();
    for (std::size_t i = 0; i < options_[end].keying.workers; ++i) {
      const Prefix all = Prefix::parse("0.0.0.0/0").value();
      EXPECT_TRUE(one.tunnels.emplace_back(tunnel_options).apply(esp::SetSelector{Selector{{all}, {all}}}));
    }
    one.way = Way::kStream;
  }
  void stream_up() {
    has_stream_ = true;
    for (const std::size_t end : {kCaller, kCalled}) {
      ends[end].path->stream_up(now, facts[end]);
      pump(end);
    }
  }
  // Packets on it are gone too.
  void stream_down() {
    has_stream_ = false;
    for (const std::size_t end : {kCaller, kCalled}) {
      for (const OnStream& one : streams_[end]) {
        if (one.id) world.lost.insert(*one.id);
      }
      streams_[end].clear();
      ends[end].path->stream_down(now);
      pump(end);
    }
  }

  void run(Duration time) {
    for (const Instant until = now + time; now < until;) step();
  }
  // Runs until `done`, or for `most`; how long it took.
  template <typename Done>
  Duration run_until(Done done, Duration most) {
    const Instant began = now;
    while (!done() && now - began < most) step();
    return now - began;
  }
  // Time passes, and nobody does anything.
  void sleep(Duration time) { now += time; }

  // Both ends send a packet of `size` octets every `interval` from now on; of size 0, as large as they may.
  void keep_sending(Duration interval, std::size_t size = 100) {
    senders_ = {kCaller, kCalled};
    send_interval_ = interval;
    send_size_ = size;
    send_at_ = now;
  }
  void keep_sending_from(std::size_t end, Duration interval) {
    keep_sending(interval);
    senders_ = {end};
  }
  void stop_sending() { send_interval_ = Duration{}; }

  void send_packet(std::size_t end, std::size_t size) {
    DatagramEnd& from = ends[end];
    const std::uint32_t id = next_id_++;
    sent_[end].insert(id);
    const Bytes packet = packet_of(id, size);
    if (from.way == Way::kDatagrams) return send_datagram(end, id, packet);
    if (from.way == Way::kStream && has_stream_) {
      ++from.by_stream;
      streams_[end].push_back({now + stream_latency, {}, id});
      return;
    }
    ++from.by_nothing;
    world.lost.insert(id);
  }

  [[nodiscard]] bool is_direct() const {
    return ends[kCaller].way == Way::kDatagrams && ends[kCalled].way == Way::kDatagrams;
  }
  [[nodiscard]] bool is_on_stream() const {
    return ends[kCaller].way == Way::kStream && ends[kCalled].way == Way::kStream;
  }
  // Packets that `end` sent, that nobody took from the world, and that did not arrive: once all is quiet.
  [[nodiscard]] std::size_t lost_by_us(std::size_t end) const {
    std::size_t missing = 0;
    for (const std::uint32_t id : sent_[end])
      missing += !ends[1 - end].received.contains(id) && !world.lost.contains(id) ? 1 : 0;
    return missing;
  }
  void expect_no_loss_of_ours() const {
    for (const std::size_t end : {kCaller, kCalled}) {
      EXPECT_EQ(lost_by_us(end), 0U) << "of end " << end;
      EXPECT_THAT(ends[end].drops, ::testing::IsEmpty()) << "at end " << end;
    }
  }

  [[nodiscard]] std::string describe() const {
    std::string text;
    for (const DatagramEnd& end : ends) {
      const PathStatus status = end.path->status();
      text +=
          "remote " + (status.remote ? status.remote->to_string() : "none") + ", " + status.reason + "; live";
      for (const keying::LiveGeneration& one : end.path->rekeyer().live())
        text += " " + std::to_string(std::to_underlying(one.number())) +
                (one.is_outward() ? " outward" : "") + (one.is_inward ? " inward" : "") +
                (one.is_spent ? " spent" : "");
      text += "\n";
    }
    return text;
  }

  esp::TunnelOptions tunnel_options;

 private:
  struct OnStream {
    Instant at;
    Bytes message;
    std::optional<std::uint32_t> id;
  };

  static PathOptions options(keying::Role role, std::size_t workers) {
    PathOptions options;
    options.keying.role = role;
    options.keying.workers = workers;
    options.keying.wishes.ciphers = {crypto::Cipher::kAes128Gcm, crypto::Cipher::kChaCha20Poly1305};
    return options;
  }

  static Bytes packet_of(std::uint32_t id, std::size_t size) {
    test::Parts parts;
    parts.protocol = 17;
    test::put(parts.payload, id, 4);
    parts.payload.resize(std::max<std::size_t>(size, 32) - 28);
    return test::packet_of(parts);
  }

  void step() {
    now += kStep;
    send_due();
    arrive();
    for (const std::size_t end : {kCaller, kCalled}) {
      DatagramPath& path = *ends[end].path;
      if (const auto deadline = path.next_deadline(); deadline && *deadline <= now)
        path.advance(now, ends[end].counts());
      pump(end);
    }
  }
  void send_due() {
    while (send_interval_ > Duration{} && send_at_ <= now) {
      send_at_ += send_interval_;
      for (const std::size_t end : senders_)
        send_packet(end, send_size_ > 0 ? send_size_ : ends[end].inner_mtu);
    }
  }
  void arrive() {
    for (const std::size_t end : {kCaller, kCalled}) {
      while (!streams_[end].empty() && streams_[end].front().at <= now) {
        const OnStream one = std::move(streams_[end].front());
        streams_[end].pop_front();
        if (one.id) {
          ends[1 - end].received.insert(*one.id);
          continue;
        }
        EXPECT_TRUE(DatagramPath::takes(one.message));
        (void)ends[1 - end].path->hear(now, one.message);
        pump(1 - end);
      }
    }
    for (auto& [host, datagram] : world.arrivals(now)) {
      open(host, datagram);
      pump(host);
    }
  }
  void open(std::size_t end, const Datagram& datagram) {
    DatagramEnd& to = ends[end];
    const esp::Spi spi{load_u32(datagram.octets, 0)};
    esp::Tunnel& tunnel = to.tunnels[esp::worker_of(spi, static_cast<unsigned>(to.tunnels.size()))];
    Bytes out(datagram.octets.size());
    const auto packet = tunnel.open({.datagram = datagram.octets, .from = datagram.from, .at = now}, out);
    if (packet) {
      const bool is_new = to.received.insert(load_u32(*packet, 28)).second;
      EXPECT_TRUE(is_new) << "a packet was delivered twice";
    } else if (datagram.id && !datagram.is_copy && packet.error() != esp::Drop::kReplayed) {
      ++to.drops[packet.error()];
    }
  }
  void send_datagram(std::size_t end, std::uint32_t id, const Bytes& packet) {
    DatagramEnd& from = ends[end];
    ++from.by_datagram;
    esp::Tunnel& tunnel = from.tunnels[id / 2 % from.tunnels.size()];
    Bytes out(esp::sealed_size(packet.size()));
    Bytes room = packet;
    room.resize(packet.size() + esp::kTrailerRoom);
    const auto sealed = tunnel.seal(room, out);
    if (!sealed) {
      ++from.drops[sealed.error()];
      return;
    }
    out.resize(sealed->size);
    transmit(end, {{}, *tunnel.remote(), std::move(out), id});
  }
  // No key seals two packets with one number: SPIs are unlike one another, and so are keys.
  void transmit(std::size_t end, Datagram datagram) {
    const bool is_new =
        nonces_[end].insert({load_u32(datagram.octets, 0), load_u64(datagram.octets, 8)}).second;
    EXPECT_TRUE(is_new) << "a nonce comes twice";
    world.send(now, end, std::move(datagram));
  }

  // Whatever an end wants done, until it wants nothing.
  void pump(std::size_t end) {
    DatagramEnd& one = ends[end];
    for (bool is_busy = true; is_busy;) {
      is_busy = obey(end);
      for (esp::Tunnel& tunnel : one.tunnels) {
        Bytes out(2000);
        while (const auto outgoing = tunnel.next_datagram(out)) {
          transmit(end, {{},
                         outgoing->to,
                         Bytes(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(outgoing->size)),
                         {}});
        }
        while (const auto event = tunnel.next_event()) {
          one.path->worker_event(now, *event);
          is_busy = true;
        }
      }
    }
  }
  bool obey(std::size_t end) {
    DatagramEnd& one = ends[end];
    for (Bytes& message : one.path->take_messages()) {
      if (has_stream_) streams_[end].push_back({now + stream_latency, std::move(message), {}});
    }
    std::vector<keying::WorkerCommand> commands = one.path->take_commands();
    for (keying::WorkerCommand& command : commands) {
      one.remotes_set += std::holds_alternative<esp::SetRemote>(command.command) ? 1 : 0;
      const Result<void> done = one.tunnels[command.worker].apply(std::move(command.command));
      EXPECT_TRUE(done) << done.error().message;
    }
    for (const PathAction& action : one.path->take_actions()) {
      if (const auto* mtu = std::get_if<SetInnerMtu>(&action)) {
        one.inner_mtu = mtu->mtu;
        one.inner_mtus.push_back(mtu->mtu);
      }
      if (const auto* carry = std::get_if<Carry>(&action)) {
        one.way = carry->way;
        one.ways.emplace_back(now, carry->way);
      }
    }
    return !commands.empty();
  }

  SeededRandom random_;
  PathOptions options_[2];
  bool has_stream_ = false;
  std::deque<OnStream> streams_[2];
  std::set<std::uint32_t> sent_[2];
  std::set<std::pair<std::uint32_t, std::uint64_t>> nonces_[2];
  std::uint32_t next_id_ = 1;
  std::vector<std::size_t> senders_;
  Duration send_interval_{};
  std::size_t send_size_ = 0;
  Instant send_at_{};
};

}  // namespace isthmus::session::testing
