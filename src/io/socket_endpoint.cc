#include "io/socket_endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "net/big_endian.h"

namespace isthmus::io {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

SocketEndpoint of_ipv4(const Endpoint& endpoint) {
  SocketEndpoint made;
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(endpoint.port);
  std::memcpy(&in.sin_addr, endpoint.address.octets().data(), sizeof in.sin_addr);
  std::memcpy(&made.storage, &in, sizeof in);
  made.size = sizeof in;
  return made;
}

SocketEndpoint of_ipv6(const Endpoint& endpoint) {
  SocketEndpoint made;
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(endpoint.port);
  const ConstBytes octets = endpoint.address.octets();
  std::uint8_t* to = in.sin6_addr.s6_addr;
  if (endpoint.address.is_v4()) to = std::ranges::copy(kMappedPrefix, to).out;
  std::ranges::copy(octets, to);
  std::memcpy(&made.storage, &in, sizeof in);
  made.size = sizeof in;
  return made;
}

Endpoint from_octets(ConstBytes address, std::uint16_t port) {
  return {.address = *IpAddress::from_octets(address), .port = ntohs(port)};
}

}  // namespace

SocketEndpoint socket_endpoint(const Endpoint& endpoint, Family family) {
  const bool is_plain_v4 = family == Family::kIpv4 && endpoint.address.is_v4();
  return is_plain_v4 ? of_ipv4(endpoint) : of_ipv6(endpoint);
}

// Twice for every datagram that comes.
IpAddress address_of(const in6_addr& octets) {
  const ConstBytes whole{octets.s6_addr, 16};
  if (!IN6_IS_ADDR_V4MAPPED(&octets)) return *IpAddress::from_octets(whole);
  return IpAddress::v4(load_u32(whole, kMappedPrefix.size()));
}

std::optional<Endpoint> endpoint_of(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &storage, sizeof in);
    std::array<std::uint8_t, 4> octets{};
    std::memcpy(octets.data(), &in.sin_addr, octets.size());
    return from_octets(octets, in.sin_port);
  }
  if (storage.ss_family != AF_INET6) return std::nullopt;
  sockaddr_in6 in{};
  std::memcpy(&in, &storage, sizeof in);
  return Endpoint{.address = address_of(in.sin6_addr), .port = ntohs(in.sin6_port)};
}

}  // namespace isthmus::io
