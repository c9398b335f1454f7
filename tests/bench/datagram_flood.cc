// datagram_flood send ADDRESS PORT SECONDS     sends as many as it can, one by one in a batch a system call
// datagram_flood count ADDRESS PORT SECONDS    counts what arrives in that time after the first
//
// The datagrams are IP packets of 64 octets: 36 octets of payload over IPv4, 16 over IPv6. No UDP_SEGMENT:
// each is a packet of its own from the start. `count` prints "listening" once it is; both then print one
// line, "PACKETS SECONDS".
#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr std::size_t kBatch = 64;
constexpr std::size_t kPacket = 64;
constexpr std::size_t kUdpHeader = 8;
constexpr int kReceiveBuffer = 16 << 20;
// How long `count` waits for the first datagram, and how long it takes silence for the end.
constexpr timeval kPatience{.tv_sec = 5, .tv_usec = 0};

struct Batch {
  std::array<std::array<std::uint8_t, kPacket>, kBatch> octets{};
  std::array<iovec, kBatch> parts{};
  std::array<mmsghdr, kBatch> messages{};

  explicit Batch(std::size_t payload) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts[i] = {octets[i].data(), payload};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
  }
};

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "datagram_flood: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

addrinfo* resolve(const char* address, const char* port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(address, port, &hints, &found) != 0) fail("the address or the port");
  return found;
}

void print(std::uint64_t packets, Clock::time_point first, Clock::time_point last) {
  std::printf("%llu %.6f\n", static_cast<unsigned long long>(packets), Seconds{last - first}.count());
}

void send(int socket, std::size_t payload, Seconds duration) {
  Batch batch{payload};
  std::uint64_t packets = 0;
  const Clock::time_point first = Clock::now();
  while (Clock::now() - first < duration) {
    const int sent = sendmmsg(socket, batch.messages.data(), kBatch, 0);
    // A full queue or an unreachable far end is what a flood may meet.
    if (sent > 0) packets += static_cast<std::uint64_t>(sent);
  }
  print(packets, first, Clock::now());
}

void count(int socket, Seconds duration) {
  Batch batch{kPacket};
  if (recvmmsg(socket, batch.messages.data(), 1, 0, nullptr) != 1) fail("no datagram came");
  std::uint64_t packets = 1;
  const Clock::time_point first = Clock::now();
  Clock::time_point last = first;
  while (last - first < duration) {
    const int received = recvmmsg(socket, batch.messages.data(), kBatch, MSG_WAITFORONE, nullptr);
    if (received < 0) break;
    last = Clock::now();
    packets += static_cast<std::uint64_t>(received);
  }
  print(packets, first, last);
}

}  // namespace

int main(int argc, char** argv) {
  const std::span words{argv, static_cast<std::size_t>(argc)};
  const std::string_view task = argc == 5 ? words[1] : "";
  if (task != "send" && task != "count") {
    std::fputs("usage: datagram_flood send|count ADDRESS PORT SECONDS\n", stderr);
    return 2;
  }
  const addrinfo* end = resolve(words[2], words[3]);
  const Seconds duration{std::strtod(words[4], nullptr)};
  const int socket = ::socket(end->ai_family, SOCK_DGRAM, 0);
  if (socket < 0) fail("socket");
  if (task == "send") {
    const std::size_t header = end->ai_family == AF_INET6 ? 40 : 20;
    if (connect(socket, end->ai_addr, end->ai_addrlen) != 0) fail("connect");
    send(socket, kPacket - header - kUdpHeader, duration);
    return 0;
  }
  setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer);
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  if (bind(socket, end->ai_addr, end->ai_addrlen) != 0) fail("bind");
  std::puts("listening");
  std::fflush(stdout);
  count(socket, duration);
  return 0;
}
