// The option negotiation automaton of RFC 1661 section 4.1: which actions and which new state an event has in
// a state. A pure table; ppp/negotiator.h acts on it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace isthmus::ppp {

// Numbered as the RFC numbers them.
enum class State : std::uint8_t {
  kInitial,
  kStarting,
  kClosed,
  kStopped,
  kClosing,
  kStopping,
  kReqSent,
  kAckRcvd,
  kAckSent,
  kOpened,
};
inline constexpr std::size_t kStates = 10;

enum class Event : std::uint8_t {
  kUp,        // lower layer is up
  kDown,      // lower layer is down
  kOpen,      // administrative Open
  kClose,     // administrative Close
  kToPlus,    // TO+: timeout with counter > 0
  kToMinus,   // TO-: timeout with counter expired
  kRcrPlus,   // RCR+: Configure-Request, good
  kRcrMinus,  // RCR-: Configure-Request, bad
  kRca,       // Configure-Ack
  kRcn,       // Configure-Nak or Configure-Reject
  kRtr,       // Terminate-Request
  kRta,       // Terminate-Ack
  kRuc,       // unknown code
  kRxjPlus,   // RXJ+: Code-Reject or Protocol-Reject, permitted
  kRxjMinus,  // RXJ-: Code-Reject or Protocol-Reject, catastrophic
  kRxr,       // Echo-Request, Echo-Reply or Discard-Request
};
inline constexpr std::size_t kEvents = 16;

// Spelled as the RFC spells them.
enum class Act : std::uint8_t {
  tlu,  // This-Layer-Up
  tld,  // This-Layer-Down
  tls,  // This-Layer-Started
  tlf,  // This-Layer-Finished
  irc,  // Initialize-Restart-Count
  zrc,  // Zero-Restart-Count
  scr,  // Send-Configure-Request
  sca,  // Send-Configure-Ack
  scn,  // Send-Configure-Nak/Rej
  str,  // Send-Terminate-Request
  sta,  // Send-Terminate-Ack
  scj,  // Send-Code-Reject
  ser,  // Send-Echo-Reply
};
inline constexpr std::size_t kActs = 13;

// The letter behind a state.
enum class Footnote : std::uint8_t {
  kNone,
  kPassive,  // p: with the passive option there is no tlf (section 4.2, Stopped)
  kRestart,  // r: with the restart option an Open is a Down and then an Up (section 4.3, Open)
  kCrossed,  // x: a crossed connection, to be logged (section 4.3, RCA)
};

// One cell. Of an illegal one ('-') nothing but `legal` means anything.
struct Transition {
  bool legal = false;
  std::array<Act, 3> listed{};
  std::uint8_t count = 0;
  State next = State::kInitial;
  Footnote footnote = Footnote::kNone;

  // In the order the RFC lists them.
  [[nodiscard]] std::span<const Act> actions() const { return std::span(listed).first(count); }
  [[nodiscard]] bool has(Act act) const;
};

[[nodiscard]] const Transition& transition(State state, Event event);

// Whether the Restart timer can run in this state: where the table has TO events.
[[nodiscard]] constexpr bool has_restart_timer(State state) {
  return state >= State::kClosing && state <= State::kAckSent;
}

// "irc,scr/6", "3r", "-": as the RFC prints the cell.
[[nodiscard]] std::string to_string(const Transition& cell);
// "Req-Sent" and "RCR+": as the RFC prints them.
[[nodiscard]] std::string_view name(State state);
[[nodiscard]] std::string_view name(Event event);

}  // namespace isthmus::ppp
