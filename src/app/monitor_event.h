// What a monitor tells its engine unasked, and the descriptors that come with it.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "app/control_message.h"
#include "app/monitor_request.h"
#include "base/result.h"
#include "io/child_process.h"

namespace isthmus::app {

struct Signalled {
  int number = 0;
};
// With the stream's two descriptors, and the connection that its `attach` waits at.
struct StreamArrived {
  LegId leg = 0;
  AttachRequest request;
};
// By `down`, `status` or another session, with the connection to answer by.
struct Asked {
  ControlRequest request;
};
struct SshEnded {
  LegId leg = 0;
  io::ExitStatus status;
};

using MonitorEvent = std::variant<Signalled, StreamArrived, Asked, SshEnded>;

std::string encode_event(const MonitorEvent& event);
Result<MonitorEvent> decode_event(std::string_view octets);

}  // namespace isthmus::app
