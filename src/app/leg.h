// The streams that an engine holds.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/ssh_call.h"
#include "app/stream.h"
#include "base/time.h"
#include "io/control_socket.h"
#include "net/outer_path.h"
#include "session/call.h"

namespace isthmus::app {

// One stream, whoever made it, from the first octet to its last.
struct Leg {
  std::optional<session::CallId> call;  // empty until the first octet came
  session::Direction direction = session::Direction::kOutgoing;
  std::shared_ptr<Stream> stream;
  std::unique_ptr<SshCall> ssh;                // of an outgoing call
  std::optional<io::ControlConnection> front;  // of an incoming one: the waiting `attach`
  OuterPath outer;                             // of an incoming one: the caller
  std::optional<Instant> begin_by;             // then LCP begins though nothing was heard
  std::optional<Instant> end_by;               // then a leg that was hung up is cut off
  bool is_hung_up = false;
  bool is_stream_lost = false;
};
}  // namespace isthmus::app
