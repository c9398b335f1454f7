// The two processes of a session: the monitor, which is this one, and its engine.
#include <asio/io_context.hpp>

#include "app/commands/commands.h"
#include "app/monitor.h"
#include "app/session_owner.h"

namespace isthmus::app {

Result<std::unique_ptr<Monitor>> open_session(asio::io_context& loop, const OwnerSetup& setup) {
  const auto engine = [setup](io::EngineChannels channels) {
    asio::io_context own_loop;
    Result<std::unique_ptr<SessionOwner>> owner = SessionOwner::open(own_loop, setup, std::move(channels));
    if (owner) return static_cast<int>((*owner)->run());
    if (owner.error().code != Error::Code::kClosed) complain(owner.error().message);
    return static_cast<int>(config::ExitCode::kFailed);
  };
  return Monitor::open(loop, TRY(io::RuntimeDir::open()), setup, engine);
}

}  // namespace isthmus::app
