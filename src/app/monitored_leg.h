// A stream of a session as its monitor knows it, whoever made it.
#pragma once

#include <asio/posix/stream_descriptor.hpp>
#include <optional>
#include <vector>

#include "app/control_message.h"
#include "app/launcher.h"
#include "net/outer_path.h"

namespace isthmus::app {

struct MonitoredLeg {
  // Of one that we have dialled.
  std::optional<Launched> ssh;
  std::optional<asio::posix::stream_descriptor> end;  // readable when ssh has ended
  // Of one that came in.
  AttachRequest request;
  OuterPath incoming;

  // What lies outside of the tunnel, as the kernel says or said.
  [[nodiscard]] LegEndpoints endpoints() const {
    return ssh ? ssh->endpoints() : LegEndpoints{incoming.remote, {}};
  }
  [[nodiscard]] OuterPath outer() const { return ssh ? OuterPath{ssh->endpoints().outer, {}} : incoming; }
};

}  // namespace isthmus::app
