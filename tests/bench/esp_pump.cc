// esp_pump workers|singly a|b PORT PEER-ADDRESS PEER-PORT INTERFACE WORKERS
//
// One end of a tunnel with keys that anybody can work out: the data plane alone, to be measured. With
// `workers` it is that of the product; with `singly` one packet a call goes through one loop, as simple VPNs
// do it, as a yardstick. Prints "ready" once the interface is there, and ends with its standard input.
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/seeded_random.h"
#include "dataplane/worker.h"
#include "esp/esp_format.h"
#include "io/socket_endpoint.h"
#include "io/tun_device.h"

namespace {

using namespace isthmus;

// What leaves a path of 1500 octets of IPv4 full.
constexpr int kMtu = 1438;
constexpr esp::Generation kGeneration{1};

struct Options {
  bool is_a = false;
  std::uint16_t port = 0;
  Endpoint peer;
  std::string interface;
  std::size_t workers = 1;
};

template <typename T>
T need(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "esp_pump: %s\n", result.error().message.c_str());
  std::exit(1);
}

// Of the direction from a or to it; the SPI chooses the receiver's worker of the same number.
esp::SaParameters parameters(bool is_from_a, std::size_t number, std::size_t workers) {
  const std::size_t base = (is_from_a ? 0x10000U : 0x20000U) * workers;
  esp::SaParameters sa;
  sa.spi = esp::Spi{static_cast<std::uint32_t>(base + number)};
  SeededRandom random{base + number};
  random.fill(sa.key.writable());
  random.fill(sa.salt);
  return sa;
}

std::vector<esp::TunnelCommand> commands(const Options& options, std::size_t number) {
  const std::vector<Prefix> all{need(Prefix::parse("0.0.0.0/0")), need(Prefix::parse("::/0"))};
  std::vector<esp::TunnelCommand> made;
  made.emplace_back(esp::InstallInbound{kGeneration, parameters(!options.is_a, number, options.workers)});
  made.emplace_back(esp::InstallOutbound{kGeneration, parameters(options.is_a, number, options.workers)});
  made.emplace_back(esp::SetSelector{Selector{all, all}});
  made.emplace_back(esp::SetRemote{options.peer});
  made.emplace_back(esp::UseOutbound{kGeneration});
  return made;
}

void wait_for_end() {
  std::puts("ready");
  std::fflush(stdout);
  char octet = 0;
  while (::read(STDIN_FILENO, &octet, 1) > 0) continue;
}

void print(const dataplane::WorkerReport& report) {
  std::uint64_t drops = 0;
  for (const std::uint64_t count : report.tunnel.drops) drops += count;
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf(
      "sent %llu received %llu dropped %llu tun_refused %llu udp_refused %llu outbox_full %llu congested "
      "%llu\n",
      number(report.tunnel.packets_sent), number(report.tunnel.packets_received), number(drops),
      number(report.pump.tun_refused), number(report.pump.udp_refused), number(report.pump.outbox_full),
      number(report.pump.congested));
}

void print_report(dataplane::Worker& worker) {
  worker.post(dataplane::AskReport{});
  pollfd waiting{.fd = worker.events_fd(), .events = POLLIN, .revents = 0};
  while (::poll(&waiting, 1, 1000) == 1) {
    for (const dataplane::WorkerEvent& event : worker.take_events()) {
      if (const auto* const failed = std::get_if<dataplane::CommandFailed>(&event))
        std::printf("%s\n", failed->error.message.c_str());
      if (const auto* const report = std::get_if<dataplane::WorkerReport>(&event)) return print(*report);
    }
  }
}

void run_workers(const Options& options) {
  const io::TunDevice tun =
      need(io::TunDevice::open(options.interface, kMtu, io::TunOffloads::kTcpAndUdp, options.workers));
  std::vector<io::UdpSocket> sockets =
      need(io::UdpSocket::open_group({.address = {}, .port = options.port}, options.workers));
  std::vector<std::unique_ptr<dataplane::Worker>> workers;
  for (std::size_t i = 0; i < options.workers; ++i) {
    workers.push_back(
        need(dataplane::Worker::start(need(tun.queues()[i].duplicate()), std::move(sockets[i]))));
    for (esp::TunnelCommand& command : commands(options, i)) workers[i]->post(std::move(command));
    workers[i]->post(dataplane::ReadTun{});
  }
  wait_for_end();
  for (const auto& worker : workers) print_report(*worker);
}

// --- one packet a call

class SinglePump {
 public:
  explicit SinglePump(const Options& options)
      : tun_(need(io::TunDevice::open(options.interface, kMtu, io::TunOffloads::kNone))),
        socket_(need(io::UdpSocket::open({.address = {}, .port = options.port}))),
        to_(io::socket_endpoint(options.peer, Family::kIpv6)) {
    const int off = 0;
    ::setsockopt(socket_.fd(), IPPROTO_UDP, UDP_GRO, &off, sizeof off);
    for (esp::TunnelCommand& command : commands(options, 0)) {
      if (!tunnel_.apply(std::move(command))) std::exit(1);
    }
  }

  void run() {
    std::puts("ready");
    std::fflush(stdout);
    std::array<pollfd, 3> waiting{{{.fd = tun_.fd(), .events = POLLIN, .revents = 0},
                                   {.fd = socket_.fd(), .events = POLLIN, .revents = 0},
                                   {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0}}};
    while (waiting[2].revents == 0) {
      ::poll(waiting.data(), waiting.size(), -1);
      if (waiting[0].revents != 0) carry_out();
      if (waiting[1].revents != 0) carry_in();
    }
  }

 private:
  void carry_out() {
    const auto read = tun_.read(MutableBytes{in_}.first(io::TunDevice::kReadBuffer));
    if (!read) return;
    const auto sealed = tunnel_.seal(MutableBytes{in_}.first(read->octets.size() + esp::kTrailerRoom), out_);
    if (sealed) ::sendto(socket_.fd(), out_.data(), sealed->size, 0, to_.get(), to_.size);
  }

  void carry_in() {
    const ssize_t size = ::recv(socket_.fd(), in_.data(), in_.size(), 0);
    if (size < 0) return;
    const auto packet =
        tunnel_.open({.datagram = ConstBytes{in_}.first(static_cast<std::size_t>(size)), .from = {}}, out_);
    if (packet) tun_.write({.octets = *packet});
  }

  io::TunDevice tun_;
  io::UdpSocket socket_;
  io::SocketEndpoint to_;
  esp::Tunnel tunnel_;
  Bytes in_ = Bytes(1U << 17);
  Bytes out_ = Bytes(1U << 17);
};

Options parsed(std::span<char*> words) {
  const auto number = [](const char* word) {
    return static_cast<std::uint16_t>(std::strtoul(word, nullptr, 10));
  };
  return {.is_a = std::string_view{words[2]} == "a",
          .port = number(words[3]),
          .peer = {.address = need(IpAddress::parse(words[4])), .port = number(words[5])},
          .interface = words[6],
          .workers = number(words[7])};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 8) {
    std::fputs("usage: esp_pump workers|singly a|b PORT PEER-ADDRESS PEER-PORT INTERFACE WORKERS\n", stderr);
    return 2;
  }
  Options options = parsed({argv, static_cast<std::size_t>(argc)});
  if (std::string_view{argv[1]} == "workers") {
    run_workers(options);
    return 0;
  }
  options.workers = 1;
  std::make_unique<SinglePump>(options)->run();
  return 0;
}
