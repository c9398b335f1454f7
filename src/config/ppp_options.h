// The words of `isthmus ppp`: those of pppd that mean something for us, with its meanings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "ppp/link.h"

namespace isthmus::config {

enum class PppTransport : std::uint8_t {
  kTty,    // the named terminal, or the one on standard input
  kNotty,  // standard input and output, which need not be terminals
  kPty,    // a command run on a pseudo-terminal or pipe
};
enum class PppDetach : std::uint8_t { kDetachWhenUp, kDetachAtOnce, kNever };

struct PppOptions {
  ppp::LinkOptions link;

  PppTransport transport = PppTransport::kTty;
  std::string tty;                       // "/dev/ttyS0"; empty: standard input
  std::optional<std::uint32_t> speed;    // bit/s
  std::vector<std::string> pty_command;  // run by argv, never by a shell
  bool modem_control = true;             // `modem` against `local`
  bool hardware_flow_control = false;    // crtscts
  bool lock = false;
  // By default at once, but not on standard input, where somebody waits for us.
  PppDetach detach = PppDetach::kDetachAtOnce;

  std::optional<std::uint16_t> mtu;  // of our interface; never above the peer's MRU
  bool default_route = false;
  bool proxy_arp = false;
  bool use_peer_dns = false;
  std::string interface;  // ifname or unit; empty: the first free one
  std::string link_name;  // linkname
  std::string parameter;  // ipparam
  // The peer's IPv6 interface identifier when `ipv6 LOCAL,REMOTE` fixed it.
  std::optional<std::uint64_t> remote_interface_id;

  bool persist = false;
  int max_fail = 10;  // 0: for ever
  Duration hold_off = std::chrono::seconds{30};
  int verbosity = 0;  // debug: 1, and dump what was understood
  bool dump = false;
};

// The words after `isthmus ppp`. An Error names the word as pppd does ("unrecognized option 'x'") and ends
// the program with PppExit::kOptionError.
Result<PppOptions> parse_ppp_options(const std::vector<std::string>& words);

}  // namespace isthmus::config
