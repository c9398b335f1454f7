// Exit statuses: the one table. isthmus(8) prints it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace isthmus::config {

enum class ExitCode : std::uint8_t {
  kOk = 0,      // done; also a session that stood and was ended by ctrl-C, SIGTERM or `down`
  kFailed = 1,  // anything without a number of its own
  kUsage = 2,
  kNotUp = 3,      // `down` or `status` of a session that is not up
  kAlreadyUp = 4,  // `up` of a session that is up
  kNotRoot = 5,
  kNoSsh = 10,
  kNameNotResolved = 11,
  kConnectionRefused = 12,
  kUnreachable = 13,
  kHostKeyUnknown = 14,
  kHostKeyChanged = 15,
  kKeyNotAuthorised = 16,
  kNoIsthmus = 17,
  kSudo = 18,  // sudo wants a password or forbids the command
  kSshOther = 19,
  kNoStream = 20,
  kRefusedThere = 30,  // by the far side's policy
  kRefusedHere = 31,   // by ours
  kLinkFailed = 32,    // PPP did not converge
  kLinkLost = 33,      // and did not come back within --hold
  kSuperseded = 34,    // another session of the same pair took over
  kHostRefused = 35,   // the kernel did not take an address, route, rule, sysctl or table
  kProofFailed = 36,   // everything is in place, but packets do not cross
  kLeftovers = 37,     // not everything could be undone
  kInterrupted = 130,  // ctrl-C before the session stood
  kTerminated = 143,   // SIGTERM before the session stood
};

// pppd's own, for `isthmus ppp` only.
enum class PppExit : std::uint8_t {
  kOk = 0,
  kFatal = 1,
  kOptionError = 2,
  kNotRoot = 3,
  kNoKernelSupport = 4,
  kUserRequest = 5,
  kLockFailed = 6,
  kOpenFailed = 7,
  kConnectFailed = 8,
  kPtyCommandFailed = 9,
  kNegotiationFailed = 10,
  kPeerAuthFailed = 11,
  kIdleTimeout = 12,
  kConnectTime = 13,
  kCallback = 14,
  kPeerDead = 15,
  kHangup = 16,
  kLoopback = 17,
  kInitFailed = 18,
  kAuthFailed = 19,
};

struct ExitCodeRow {
  ExitCode code;
  std::string_view name;     // "host-key-changed": in JSON and logs
  std::string_view meaning;  // one line for the manual
};
// Every ExitCode, by number.
std::span<const ExitCodeRow> exit_code_table();

}  // namespace isthmus::config
