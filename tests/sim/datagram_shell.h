// What the shell of a Session does for its datagrams: the Tunnel of one worker, and its counters.
#pragma once

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "esp/esp_format.h"
#include "esp/tunnel.h"
#include "session/datagram_path.h"

namespace isthmus::session::testing {

class DatagramShell {
 public:
  explicit DatagramShell(Endpoint local) : local_(local) {}

  Way way = Way::kStream;
  PathMode mode = PathMode::kAuto;

  [[nodiscard]] const Endpoint& local() const { return local_; }
  [[nodiscard]] PathOptions options() const {
    PathOptions options;
    options.mode = mode;
    options.keying.workers = 1;
    options.keying.wishes.ciphers = {crypto::Cipher::kAes128Gcm};
    options.port = local_.port;
    options.own_addresses = {local_.address};
    return options;
  }
  [[nodiscard]] PathCounts counts(const DatagramPath* path) const {
    PathCounts counts;
    counts.packets_sent = packets_sent;
    counts.dummies_sent = tunnel_.counters().dummies_sent;
    counts.packets_received = tunnel_.counters().packets_received;
    if (path == nullptr) return counts;
    for (const esp::SaStatus& sa : tunnel_.status()) counts.add(sa);
    return counts;
  }
  std::uint64_t packets_sent = 0;  // as a worker would count them; no packet crosses here

  void obey(keying::WorkerCommand& command) {
    const Result<void> done = tunnel_.apply(std::move(command.command));
    EXPECT_TRUE(done) << done.error().message;
  }
  void open(const Bytes& datagram, const Endpoint& from) {
    Bytes sealed = datagram;
    Bytes packet(sealed.size());
    std::ignore = tunnel_.open({sealed, from, 0}, packet);
  }
  std::vector<std::pair<Endpoint, Bytes>> take_datagrams() {
    std::vector<std::pair<Endpoint, Bytes>> taken;
    Bytes room(2000);
    while (const auto outgoing = tunnel_.next_datagram(room))
      taken.emplace_back(outgoing->to,
                         Bytes(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(outgoing->size)));
    return taken;
  }
  std::vector<esp::TunnelEvent> take_events() {
    std::vector<esp::TunnelEvent> taken;
    while (const auto event = tunnel_.next_event()) taken.push_back(*event);
    return taken;
  }

 private:
  Endpoint local_;
  esp::Tunnel tunnel_;
};

}  // namespace isthmus::session::testing
