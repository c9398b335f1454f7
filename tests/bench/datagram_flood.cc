// datagram_flood send ADDRESS PORT SECONDS [OCTETS]     sends as many as it can, one by one in a batch a call
// datagram_flood trains ADDRESS PORT SECONDS [OCTETS]   the same, 64 in a train that the kernel cuts up
// datagram_flood count ADDRESS PORT SECONDS             counts what arrives in that time after the first
//
// The datagrams are IP packets of OCTETS, by default 64: 36 octets of payload over IPv4, 16 over IPv6. Of
// `send` each is a packet of its own from the start, of `trains` (UDP_SEGMENT) only where something cuts
// them. `count` takes them either way; it prints "listening" once it does. All then print one line, "PACKETS
// SECONDS".
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr std::size_t kBatch = 64;
constexpr std::size_t kPacket = 64;
constexpr std::size_t kTrain = 64;
constexpr std::size_t kMaxTrain = 65507;
constexpr std::size_t kUdpHeader = 8;
constexpr int kReceiveBuffer = 16 << 20;
// How long `count` waits for the first datagram, and how long it takes silence for the end.
constexpr timeval kPatience{.tv_sec = 5, .tv_usec = 0};

// Messages of `size` octets each.
struct Batch {
  std::vector<std::uint8_t> octets;
  std::array<iovec, kBatch> parts{};
  std::array<mmsghdr, kBatch> messages{};

  explicit Batch(std::size_t size) : octets(size * kBatch) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts[i] = {octets.data() + i * size, size};
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

// Each message holds `trains` datagrams.
void send(int socket, std::size_t message, std::uint64_t trains, Seconds duration) {
  Batch batch{message};
  std::uint64_t packets = 0;
  const Clock::time_point first = Clock::now();
  const unsigned messages = trains > 1 ? 1 : kBatch;
  while (Clock::now() - first < duration) {
    const int sent = sendmmsg(socket, batch.messages.data(), messages, 0);
    // A full queue or an unreachable far end is what a flood may meet.
    if (sent > 0) packets += static_cast<std::uint64_t>(sent) * trains;
  }
  print(packets, first, Clock::now());
}

// How many datagrams a message is that came with UDP_GRO.
std::uint64_t datagrams_in(mmsghdr& message) {
  for (cmsghdr* at = CMSG_FIRSTHDR(&message.msg_hdr); at != nullptr; at = CMSG_NXTHDR(&message.msg_hdr, at)) {
    if (at->cmsg_level != IPPROTO_UDP || at->cmsg_type != UDP_GRO) continue;
    int size = 0;
    std::memcpy(&size, CMSG_DATA(at), sizeof size);
    if (size > 0) return (message.msg_len + static_cast<unsigned>(size) - 1) / static_cast<unsigned>(size);
  }
  return 1;
}

void count(int socket, Seconds duration) {
  Batch batch{1U << 16};
  std::array<std::array<char, CMSG_SPACE(sizeof(int))>, kBatch> controls{};
  const auto receive = [&](unsigned most, int flags) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      batch.messages[i].msg_hdr.msg_control = controls[i].data();
      batch.messages[i].msg_hdr.msg_controllen = controls[i].size();
    }
    return recvmmsg(socket, batch.messages.data(), most, flags, nullptr);
  };
  if (receive(1, 0) != 1) fail("no datagram came");
  std::uint64_t packets = datagrams_in(batch.messages[0]);
  const Clock::time_point first = Clock::now();
  Clock::time_point last = first;
  while (last - first < duration) {
    const int received = receive(kBatch, MSG_WAITFORONE);
    if (received < 0) break;
    last = Clock::now();
    for (std::size_t i = 0; i < static_cast<std::size_t>(received); ++i)
      packets += datagrams_in(batch.messages[i]);
  }
  print(packets, first, last);
}

void flood(int socket, bool is_in_trains, std::size_t payload, Seconds duration) {
  if (!is_in_trains) return send(socket, payload, 1, duration);
  const auto segment = static_cast<int>(payload);
  if (setsockopt(socket, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment) != 0) fail("UDP_SEGMENT");
  const std::size_t trains = std::min(kTrain, kMaxTrain / payload);
  send(socket, trains * payload, trains, duration);
}

}  // namespace

int main(int argc, char** argv) {
  const std::span words{argv, static_cast<std::size_t>(argc)};
  const std::string_view task = argc == 5 || argc == 6 ? words[1] : "";
  if (task != "send" && task != "trains" && task != "count") {
    std::fputs("usage: datagram_flood send|trains|count ADDRESS PORT SECONDS [OCTETS]\n", stderr);
    return 2;
  }
  const addrinfo* end = resolve(words[2], words[3]);
  const Seconds duration{std::strtod(words[4], nullptr)};
  const int socket = ::socket(end->ai_family, SOCK_DGRAM, 0);
  if (socket < 0) fail("socket");
  if (task != "count") {
    const std::size_t header = end->ai_family == AF_INET6 ? 40 : 20;
    const std::size_t packet = argc == 6 ? std::strtoul(words[5], nullptr, 10) : kPacket;
    if (connect(socket, end->ai_addr, end->ai_addrlen) != 0) fail("connect");
    flood(socket, task == "trains", packet - header - kUdpHeader, duration);
    return 0;
  }
  const int on = 1;
  setsockopt(socket, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
  setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer);
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  if (bind(socket, end->ai_addr, end->ai_addrlen) != 0) fail("bind");
  std::puts("listening");
  std::fflush(stdout);
  count(socket, duration);
  return 0;
}
