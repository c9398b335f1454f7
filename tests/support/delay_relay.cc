// delay_relay DEVICE DELAY_MS LOSS SEED [DUPLICATED REORDERED CORRUPTED]
//
// Makes a TUN device. A packet routed into it comes out of it again DELAY_MS later, in order, unless a seeded
// generator has it otherwise: of 1000 packets so many are lost, come twice, come sooner than those before
// them, or come with an octet changed. One such device a direction makes a long way of a short one where the
// kernel has no netem. Prints "ready" once the device is there; ends when the device goes, or on SIGTERM.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <expected>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostOctets = 65536;
// Far more than a second of full packets at 100 Mbit/s; beyond it a packet is dropped.
constexpr std::size_t kMostHeld = 65536;
// How many are taken in before what has become due goes out.
constexpr int kTurn = 64;

struct Settings {
  std::chrono::milliseconds delay;
  std::uint32_t loss_per_mille;
  std::uint32_t seed;
  std::uint32_t duplicated_per_mille = 0, reordered_per_mille = 0, corrupted_per_mille = 0;
};

// What the kernel says over the device on its own account: router solicitations, multicast listener reports.
// It would disturb the sequence of the generator.
bool is_ipv6_multicast(std::span<const std::uint8_t> packet) {
  return packet.size() >= 40 && packet[0] >> 4 == 6 && packet[24] == 0xFF;
}

class Relay {
 public:
  Relay(int device, const Settings& settings)
      : device_(device), settings_(settings), generator_(settings.seed) {}

  // Until the device is gone; returns the errno that says so.
  int run() {
    for (;;) {
      wait();
      if (const int gone = take_in()) return gone;
      put_out();
    }
  }

 private:
  void wait() const {
    pollfd readable{.fd = device_, .events = POLLIN, .revents = 0};
    if (held_.empty()) {
      (void)poll(&readable, 1, -1);
      return;
    }
    using std::chrono::nanoseconds;
    const nanoseconds left = std::max(nanoseconds{held_.begin()->first - Clock::now()}, nanoseconds{0});
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    const timespec timeout{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
    (void)ppoll(&readable, 1, &timeout, nullptr);
  }

  int take_in() {
    for (int i = 0; i < kTurn; ++i) {
      const ssize_t length = read(device_, buffer_.data(), buffer_.size());
      if (length < 0) return errno == EAGAIN || errno == EINTR ? 0 : errno;
      take(std::span{buffer_}.first(static_cast<std::size_t>(length)));
    }
    return 0;
  }

  void take(std::span<const std::uint8_t> packet) {
    if (is_ipv6_multicast(packet)) return;
    if (befalls(settings_.loss_per_mille)) return;
    std::vector<std::uint8_t> octets{packet.begin(), packet.end()};
    if (befalls(settings_.corrupted_per_mille))
      octets[generator_() % octets.size()] ^= static_cast<std::uint8_t>(1 + generator_() % 255);
    if (befalls(settings_.duplicated_per_mille)) hold(octets);
    hold(std::move(octets));
  }

  void hold(std::vector<std::uint8_t> octets) {
    if (held_.size() == kMostHeld) return;
    Clock::duration delay = settings_.delay;
    if (befalls(settings_.reordered_per_mille)) delay = delay * (generator_() % 256) / 256;
    held_.emplace(Clock::now() + delay, std::move(octets));
  }

  // Nothing is drawn for what never happens.
  bool befalls(std::uint32_t per_mille) { return per_mille != 0 && generator_() % 1000 < per_mille; }

  void put_out() {
    const Clock::time_point now = Clock::now();
    while (!held_.empty() && held_.begin()->first <= now) {
      const std::vector<std::uint8_t>& octets = held_.begin()->second;
      // A device that is not up refuses it: the packet is lost, as on a cable that is not plugged in.
      if (write(device_, octets.data(), octets.size()) < 0 && errno == EAGAIN) return;
      held_.erase(held_.begin());
    }
  }

  int device_;
  Settings settings_;
  // Its sequence is the same everywhere, unlike what the standard's distributions make of it.
  std::mt19937 generator_;
  // By when they are due; those due at once in the order of their arrival.
  std::multimap<Clock::time_point, std::vector<std::uint8_t>> held_;
  std::array<std::uint8_t, kMostOctets> buffer_{};
};

std::expected<int, const char*> open_tun(std::string_view name) {
  ifreq request{};
  if (name.empty() || name.size() >= sizeof request.ifr_name)
    return std::unexpected("the name of the device");
  const int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (device < 0) return std::unexpected("open /dev/net/tun");
  name.copy(request.ifr_name, name.size());
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (ioctl(device, TUNSETIFF, &request) < 0) return std::unexpected("TUNSETIFF");
  return device;
}

std::optional<std::uint32_t> number(std::string_view word, std::uint32_t most) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size() || value > most) return std::nullopt;
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  const std::span words{argv, static_cast<std::size_t>(argc)};
  std::array<std::uint32_t, 6> numbers{};  // in the order of the usage
  bool is_right = words.size() == 5 || words.size() == 8;
  for (std::size_t i = 2; is_right && i < words.size(); ++i) {
    const std::uint32_t most = i == 2 ? 60'000 : i == 4 ? UINT32_MAX : 1000;
    const auto value = number(words[i], most);
    is_right = value.has_value();
    numbers[i - 2] = value.value_or(0);
  }
  if (!is_right) {
    std::fputs("usage: delay_relay DEVICE DELAY_MS LOSS SEED [DUPLICATED REORDERED CORRUPTED]\n", stderr);
    return 2;
  }
  const auto [delay, loss, seed, duplicated, reordered, corrupted] = numbers;
  const auto device = open_tun(words[1]);
  if (!device) {
    std::fprintf(stderr, "delay_relay: %s: %s\n", device.error(), std::strerror(errno));
    return 1;
  }
  // The kernel's usual 50 microseconds of slack would be added to each delay.
  prctl(PR_SET_TIMERSLACK, 1);
  std::puts("ready");
  std::fflush(stdout);
  const Settings settings{std::chrono::milliseconds{delay}, loss, seed, duplicated, reordered, corrupted};
  static Relay relay{*device, settings};
  const int gone = relay.run();
  std::fprintf(stderr, "delay_relay: %s: %s\n", words[1], std::strerror(gone));
  return 0;
}
