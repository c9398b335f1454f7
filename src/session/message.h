// What two Isthmuses say to each other in VSNP (PPP protocol 0x005B, RFC 3772) once VSNCP is Opened.
// The wire format is docs/protocol/vsnp.md. Every field is checked; unknown TLVs and message types are
// skipped.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "net/prefix.h"

namespace isthmus::session {

inline constexpr std::size_t kMaxPrefixes = 32;  // a list in one message
inline constexpr std::size_t kMaxTargets = 8;    // proof targets
inline constexpr std::size_t kMaxProbes = 16;
inline constexpr std::size_t kMaxRemedies = 8;
inline constexpr std::size_t kMaxLines = 64;  // of a PlanReport
inline constexpr std::size_t kMaxName = 64;
inline constexpr std::size_t kMaxText = 400;
inline constexpr std::size_t kMaxMessage = 1500;
// The least MRU of a peer that may carry IPv6 (RFC 8200 section 5): any message can be made to fit it.
inline constexpr std::size_t kLeastMessage = 1280;

using NodeId = std::array<std::uint8_t, 16>;  // drawn at random by each process
using HostId = std::array<std::uint8_t, 16>;  // drawn at random by each machine and boot, told to peers only

// Who I am and what I ask; sent when VSNCP opens and again every second until answered.
struct Hello {
  NodeId node{};
  HostId host{};
  std::string name;  // for people: the machine's own name
  bool is_caller = false;
  bool plan_only = false;      // say what you would do, change nothing
  std::vector<Prefix> offers;  // prefixes behind me
  std::vector<Prefix> wants;   // prefixes of yours that I would accept (my --accept)
  friend bool operator==(const Hello&, const Hello&) = default;
};

// My verdict on your Hello.
struct Answer {
  struct Verdict {
    Prefix prefix;
    bool accepted = false;
    std::string reason;  // when refused: why, and the flag or line that would permit it
    friend bool operator==(const Verdict&, const Verdict&) = default;
  };
  std::vector<Verdict> verdicts;  // one for each of your offers
  friend bool operator==(const Answer&, const Answer&) = default;
};

// My routes are in place; these of my addresses should answer you, `hosts` behind me as far as I know them.
struct Ready {
  std::vector<IpAddress> gateways;
  std::vector<IpAddress> hosts;
  friend bool operator==(const Ready&, const Ready&) = default;
};

// What my probes of your targets found.
struct ProofReport {
  struct Probe {
    IpAddress source;
    IpAddress target;
    bool is_host = false;                // a LAN host and not the gateway itself
    std::optional<Duration> round_trip;  // empty: no answer. Whole microseconds on the wire
    friend bool operator==(const Probe&, const Probe&) = default;
  };
  std::vector<Probe> probes;
  std::vector<std::string> remedies;  // what is wrong on my machine, with the command that mends it
  friend bool operator==(const ProofReport&, const ProofReport&) = default;
};

// The answer to a plan_only Hello, in as many messages as it takes; the last has `is_last`.
struct PlanReport {
  std::vector<std::string> lines;
  bool is_last = false;
  friend bool operator==(const PlanReport&, const PlanReport&) = default;
};

// The link is about to be terminated, and why: goes before LCP Terminate-Request.
struct Bye {
  enum class Reason : std::uint8_t {
    kUndone = 1,      // ctrl-C, down, SIGTERM: undo now
    kRefused = 2,     // by policy; text holds the remedy
    kSuperseded = 3,  // another stream of the same pair carries the session
    kFailed = 4,      // could not change this machine
  };
  Reason reason = Reason::kUndone;
  std::string text;
  friend bool operator==(const Bye&, const Bye&) = default;
};

using Message = std::variant<Hello, Answer, Ready, ProofReport, PlanReport, Bye>;

// At most `most` octets (kLeastMessage or more) and never more than kMaxMessage; lists and texts longer than
// their limits are cut (texts at a character), and texts further where the message would be too long. Of a
// Hello that is too long without any text the last prefixes are left out: only one with more than 58 IPv6
// hosts can be. Texts go out and come in as printable() leaves them.
Bytes encode(const Message& message, std::size_t most = kMaxMessage);

// kProtocol for octets that break the format; kUnsupported for a message type of a later version, to be
// skipped.
Result<Message> decode(ConstBytes octets);

// `lines` in as many reports as they need, at least one; none longer than `most` octets, as far as one line
// allows.
std::vector<PlanReport> plan_reports(const std::vector<std::string>& lines, std::size_t most = kMaxMessage);

}  // namespace isthmus::session
