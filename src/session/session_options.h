// What a Session is told once, its phases, and how long it waits for what.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "ppp/link.h"
#include "session/message.h"

namespace isthmus::session {

struct SessionOptions {
  bool dials = false;  // an `up`: makes outgoing calls, and again when the last one is lost
  std::optional<Duration>
      hold;        // how long a lost session keeps refusing traffic before it is undone; empty: for ever
  Hello identity;  // node, host, name, plan_only; a caller's offers and wants
  ppp::LinkOptions link;
  // False: the peer is told so in VSNCP, and neither end opens a socket for them.
  bool takes_datagrams = true;
};

enum class Phase : std::uint8_t { kIdle, kCalling, kUp, kHeld, kClosing, kEnded };

inline constexpr Duration kProofPatience = std::chrono::seconds{10};  // for the peer's report after our own
inline constexpr Duration kClosePatience = std::chrono::milliseconds{1500};
inline constexpr Duration kFollowPatience =
    std::chrono::seconds{5};  // for the call that won over ours to stand
// A peer that negotiates anew may take this long before its networks are given up as lost.
inline constexpr Duration kRenegotiationPatience = std::chrono::seconds{3};

}  // namespace isthmus::session
