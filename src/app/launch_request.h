// What a monitor asks of its launcher: each a value of one size. A launcher has root's rights and its monitor
// has few, so what can be asked for is what the session was begun for, and whom it concerns is one of the
// launcher's own children.
#pragma once

#include <array>
#include <cstdint>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "session/message.h"

namespace isthmus::app {

// Given by the monitor: it can let go of a child whose start it did not hear of.
using ChildId = std::uint32_t;

struct OfChild {
  ChildId child = 0;
};
struct StartEngine : OfChild {};  // answered by descriptors: the process, its requests, its events
// By why it is not started, or nothing and descriptors: the process, its standard output, input and error.
struct StartSsh : OfChild {
  session::HostId host{};  // who it says is calling
  session::NodeId node{};
};
struct LeaveTerminal {};  // as `--detach` does when the join is proven

struct LookAtSsh : OfChild {};  // answered by LegEndpoints: where it is connected to
struct Reached : OfChild {};    // by this ssh a call stands: its place may be dialled by address
struct AskEnd : OfChild {};     // by an optional io::ExitStatus; with one it is no child any more
struct Terminate : OfChild {};  // SIGTERM
struct Kill : OfChild {};       // SIGKILL
struct Forget : OfChild {};     // killed and waited for, it is no child any more

using LaunchRequest =
    std::variant<StartEngine, StartSsh, LeaveTerminal, LookAtSsh, Reached, AskEnd, Terminate, Kill, Forget>;

inline constexpr std::size_t kLaunchRequestSize = 64;
using LaunchRequestOctets = std::array<std::uint8_t, kLaunchRequestSize>;

LaunchRequestOctets encode_launch_request(const LaunchRequest& request);
// kProtocol unless it is of kLaunchRequestSize, all values lie within their ranges, and the rest is zero.
Result<LaunchRequest> decode_launch_request(ConstBytes octets);

}  // namespace isthmus::app
