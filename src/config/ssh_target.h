// Where ssh's TCP connection goes when we make it, and who makes it: see docs/design/session.md, "The
// connection".
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/address.h"

namespace isthmus::config {

struct SshTarget {
  std::string host;  // a name or an address, after ssh's configuration; without blanks
  std::uint16_t port = 22;
  std::optional<Family> family;     // AddressFamily; nothing: any
  std::chrono::seconds timeout{0};  // for each address; zero: the kernel's own
  int attempts = 1;
  friend bool operator==(const SshTarget&, const SshTarget&) = default;
};

// What is asked of the process that makes the connection: our program as a child of ssh's, to which it passes
// the connected socket.
struct SshConnector {
  std::string program;  // path of a file that whoever runs ssh may execute
  SshTarget target;
};

// The word of the command line that makes our program such a process, and the variable with its target.
inline constexpr const char* kConnectForSshWord = "connect-for-ssh";
inline constexpr const char* kConnectVariable = "ISTHMUS_CONNECT";

// "HOST PORT FAMILY SECONDS ATTEMPTS", as in "polanski.example 22 any 15 1".
std::string encode_ssh_target(const SshTarget& target);
// kInvalid for anything else.
Result<SshTarget> decode_ssh_target(std::string_view text);

// AddressFamily as OpenSSH spells it: any, inet or inet6. The outer optional is empty for other words.
std::optional<std::optional<Family>> parse_address_family(std::string_view word);
// A name or an address such as may stand in a target.
bool is_target_host(std::string_view host);

}  // namespace isthmus::config
