// Endpoints in the form that socket calls take and give.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <optional>

#include "net/endpoint.h"

namespace isthmus::io {

struct SocketEndpoint {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

// For a socket of `family`: one of IPv6 reaches an IPv4 address as the IPv4-mapped one (RFC 4291 section
// 2.5.5.2). An IPv6 address for a socket of IPv4 comes back as it is, and the kernel refuses it.
SocketEndpoint socket_endpoint(const Endpoint& endpoint, Family family);

// Of 16 octets in network order; of an IPv4-mapped address the IPv4 address.
IpAddress address_of(const in6_addr& octets);

// Of an IPv4-mapped address the IPv4 address. Empty if it is of neither family.
std::optional<Endpoint> endpoint_of(const sockaddr_storage& storage);

}  // namespace isthmus::io
