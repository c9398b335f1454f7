// The nftables table that goes with a tunnel: TCP MSS, what may come out of the tunnel, and the leak guard.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/endpoint.h"
#include "net/prefix.h"

namespace isthmus {

struct TunnelFilterInput {
  std::string interface;
  std::vector<Prefix> remote;      // what is reached through the tunnel
  std::vector<Prefix> exceptions;  // networks of ours inside `remote`
  std::vector<Prefix> offered;     // what the peer may reach
  std::vector<Endpoint> outer;     // remote ends of the ssh connection; port 0: any
  // Our own, where `remote` covers the peer's address: ours to any address, anybody's to our port, since the
  // peer may move and what is not authentic ends at the socket.
  struct Datagrams {
    std::uint16_t port;
    std::uint32_t mark;
  };
  std::optional<Datagrams> datagrams;
  // Our addresses on the tunnel that strangers must not reach (CVE-2019-14899), each with the interfaces that
  // hold it besides.
  struct Guarded {
    IpAddress address;
    std::vector<std::string> holders;
  };
  std::vector<Guarded> guarded;
  std::vector<std::string> masquerade_interfaces;
  bool guard = true;
};

// What stands between the braces of the table: each rule on its own line.
std::string tunnel_filter_body(const TunnelFilterInput& input);

// Whether nft takes this interface name between quotes for exactly itself.
bool is_quotable_interface(const std::string& name);

}  // namespace isthmus
